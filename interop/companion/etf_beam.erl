%% The BEAM's side of interop/etf-beam.test.ts: makes terms by test/vectors/etf/beamjoin_terms.erl, says what they are,
%% and judges what comes back.
%%
%% Packets with a length of four bytes in both directions, each an external term:
%%   {batch, Seed, Count}   the facts of that many terms, see beamjoin_terms:facts/1; `unknown` in place of an order that
%%                          depends on the virtual machine
%%   {check, Answers}       of each term of the batch {Exact, Default, Deterministic}: the bytes that came back with
%%                          the exact options and with the default ones, and deterministic ones. Answers with a list of
%%                          {Index, What, Text} for what is not right.
-module(etf_beam).
-export([run/1]).

run(Port) -> loop(Port, []).

loop(Port, Terms) ->
    receive
        {Port, {data, Packet}} ->
            {Answer, Next} = handle(binary_to_term(Packet), Terms),
            port_command(Port, term_to_binary(Answer)),
            loop(Port, Next);
        {Port, eof} -> halt(0)
    end.

handle({batch, Seed, Count}, _) ->
    Terms = beamjoin_terms:generate(Seed, Count),
    {ordered(beamjoin_terms:facts(Terms), Terms), Terms};
handle({check, Answers}, Terms) ->
    {lists:flatmap(fun judge/1, lists:zip3(lists:seq(0, length(Terms) - 1), Terms, Answers)), Terms}.

%% From OTP 26 on keys that are maps are compared by the numbers that this virtual machine gave to the atoms in them, as
%% they are sorted: of two nodes one says that #{A => 1} < #{B => 1}, the other that it is not.
ordered(Facts, Terms) ->
    Nexts = tl(Terms) ++ [lists:last(Terms)],
    [case known_order(Term) orelse known_order(Next) of
        true -> Fact;
        false -> setelement(2, Fact, unknown)
    end || {Fact, Term, Next} <- lists:zip3(Facts, Terms, Nexts)].

known_order(Term) ->
    erlang:system_info(otp_release) =:= "25" orelse not holds(fun has_key_with_map/1, Term).

judge({Index, Term, {Exact, Default, Deterministic}}) ->
    Wanted = beamjoin_terms:expected(Term),
    [{Index, What, unicode:characters_to_binary(io_lib:format("~tp", [Term], [{chars_limit, 2000}]))} ||
        {What, false} <- [
            {<<"exact">>, same(Exact, Term)},
            {<<"default">>, same(Default, Wanted)},
            {<<"deterministic">>, lists:member(deterministic(Term), [skipped, Deterministic])}
        ]].

%% Zeros are told apart by their bytes, for OTP 25 takes them for one.
same(Bytes, Term) ->
    Back = binary_to_term(Bytes),
    Back =:= Term andalso term_to_binary(Back) =:= term_to_binary(Term).

%% Not comparable: ports, which OTP 25 writes in a form of its own; and, from OTP 26 on, maps with several keys that hold
%% maps, which are sorted by the numbers of the atoms in those, so that no two virtual machines need agree.
deterministic(Term) ->
    Skip = case list_to_integer(erlang:system_info(otp_release)) of
        25 -> holds(fun is_port/1, Term);
        _ -> holds(fun has_keys_with_maps/1, Term)
    end,
    case Skip of
        true -> skipped;
        false -> term_to_binary(Term, [deterministic, {minor_version, 2}])
    end.

has_keys_with_maps(T) -> length(keys_with_maps(T)) > 1.

has_key_with_map(T) -> keys_with_maps(T) =/= [].

keys_with_maps(T) when is_map(T) ->
    IsLarge = fun(Each) -> is_map(Each) andalso map_size(Each) > 1 end,
    [Key || Key <- maps:keys(T), holds(IsLarge, Key)];
keys_with_maps(_) -> [].

%% Whether the term or something in it is so.
holds(Is, T) -> Is(T) orelse holds_inside(Is, T).

holds_inside(Is, [H | T]) -> holds(Is, H) orelse holds(Is, T);
holds_inside(Is, T) when is_tuple(T) -> holds(Is, tuple_to_list(T));
holds_inside(Is, T) when is_map(T) -> holds(Is, maps:to_list(T));
holds_inside(Is, T) when is_function(T) -> {env, Env} = erlang:fun_info(T, env), holds(Is, Env);
holds_inside(_, _) -> false.
