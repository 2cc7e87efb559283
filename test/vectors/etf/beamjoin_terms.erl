%% Random terms of every kind that a BEAM has, and what it says about them: their external form, order, equality and
%% hash. The same seed gives the same terms in one virtual machine; pids, ports, references and funs are real ones of
%% that machine beside made-up ones of other nodes.
%%
%% Used by generate-terms.escript, which writes vectors, and by interop/etf-beam.test.ts, which sends both files of it
%% to a live node. Runs on OTP 25 to 29.
-module(beamjoin_terms).
-export([generate/2, facts/1, expected/1]).

%% Count terms. Every other one is, half of the time, nearly the same as the one before it.
generate(Seed, Count) ->
    _ = rand:seed(exsss, Seed),
    %% Before OTP 27 -0.0 and 0.0 are one key of a map, and equal: only one of them is in terms then.
    put(zero, case newest() of true -> both; false -> element(1 + Seed rem 2, {0.0, -0.0}) end),
    put(identifiers, identifiers()),
    generate_all(Count).

generate_all(Count) when Count < 2 -> [term(3) || _ <- lists:seq(1, Count)];
generate_all(Count) ->
    A = term(3),
    B = case below(2) of 0 -> variant(A); 1 -> term(3) end,
    [A, B | generate_all(Count - 2)].

%% Of each term: its external form, its order to the next term (the last one to itself), whether it is =:= to it,
%% phash2/1, and two ranges with their phash2/2. No hash of a term that holds a record: it differs by machine.
facts(Terms) ->
    [fact(T, Next) || {T, Next} <- lists:zip(Terms, tl(Terms) ++ [lists:last(Terms)])].

fact(T, Next) ->
    Order = if T < Next -> -1; T > Next -> 1; true -> 0 end,
    Range = 1 + below(16#100000000),
    Hashes = case has_record(T) of
        true -> [];
        false -> [erlang:phash2(T), erlang:phash2(T, 16#100000000), Range, erlang:phash2(T, Range)]
    end,
    {external(T), Order, T =:= Next, Hashes}.

external(T) ->
    term_to_binary(T, pick([[], [], [{minor_version, 2}], [{minor_version, 1}], [compressed], [{compressed, 1}],
                            [deterministic], [{minor_version, 0}]])).

%% The term as it comes back from a codec that takes integral floats for integers, up to 2^53 - 1, except in keys of maps
%% and in funs.
expected(T) when is_float(T), abs(T) =< 9007199254740991.0 ->
    case trunc(T) of
        Integer when Integer == T -> Integer;
        _ -> T
    end;
expected([H | T]) -> [expected(H) | expected(T)];
expected(T) when is_tuple(T) -> list_to_tuple([expected(E) || E <- tuple_to_list(T)]);
expected(T) when is_map(T) -> maps:map(fun(_, V) -> expected(V) end, T);
expected(T) -> T.

newest() -> otp() >= 27.

otp() -> list_to_integer(erlang:system_info(otp_release)).

has_record(T) -> otp() >= 29 andalso binary:match(term_to_binary(T), <<"beamjoin_record">>) =/= nomatch.

below(N) -> rand:uniform(N) - 1.

pick(List) -> lists:nth(rand:uniform(length(List)), List).

many(Count, Make) -> [Make() || _ <- lists:seq(1, Count)].

bytes(Count) -> rand:bytes(Count).

term(0) -> leaf();
term(Depth) ->
    case below(3) of
        0 -> leaf();
        _ -> container(Depth - 1)
    end.

leaf() ->
    case below(14) of
        0 -> below(256);
        1 -> small_integer();
        2 -> big_integer();
        3 -> float_term();
        4 -> float_term();
        5 -> atom();
        6 -> atom();
        7 -> text();
        8 -> bytes(below(12));
        9 -> bits();
        10 -> pick(get(identifiers));
        11 -> identifier();
        12 -> function();
        13 -> byte_list()
    end.

container(Depth) ->
    case below(12) of
        N when N < 4 -> many(below(5), fun() -> term(Depth) end);
        N when N < 7 -> list_to_tuple(many(below(5), fun() -> term(Depth) end));
        N when N < 9 -> map(below(5), Depth);
        9 ->
            case below(8) of
                0 -> map(33 + below(20), 0);
                1 -> list_to_tuple(many(250 + below(10), fun() -> below(300) end));
                2 -> many(60, fun leaf/0);
                _ -> map(below(3), Depth)
            end;
        10 -> many(1 + below(3), fun() -> term(Depth) end) ++ tail();
        11 -> record(Depth)
    end.

%% Never a list, or the list would be a proper one.
tail() -> pick([atom(), below(1000), <<"tail">>, {a, b}, #{}]).

map(Size, Depth) -> maps:from_list(many(Size, fun() -> {term(Depth), term(Depth)} end)).

small_integer() ->
    Power = 1 bsl below(64),
    pick([Power, -Power, Power - 1, -Power - 1, Power + 1, 1 - Power, below(16#20000000) - 16#10000000]).

big_integer() ->
    Size = case below(20) of 0 -> 250 + below(20); _ -> 1 + below(40) end,
    <<N:Size/unit:8>> = bytes(Size),
    pick([N, -N]).

zero() -> case get(zero) of both -> pick([0.0, -0.0]); Zero -> Zero end.

float_term() ->
    case below(8) of
        0 -> zero();
        1 -> pick([1.0, -1.0, 1.5, 0.1, 1.0e300, 5.0e-324, 1.7976931348623157e308, 1.0e22, 9007199254740991.0,
                   9007199254740992.0, -9007199254740991.0, -9007199254740994.0, 9.007199254740993e15, 1.0e-7]);
        2 -> float(1 + below(500));
        3 -> float(1 bsl below(200));
        N when N < 6 -> (rand:uniform() - 0.5) * math:pow(10, below(40) - 20);
        _ -> any_float()
    end.

any_float() ->
    case bytes(8) of
        <<F/float>> when F /= 0 -> F;
        _ -> any_float()
    end.

atom() ->
    case below(4) of
        0 -> pick([ok, error, undefined, nil, true, false, null, '', 'with space', 'Elixir.My.Mod', 'Elixir', '+', 'a?',
                   'ÿ', 'ähm', 'ÀÉ', '日本', '😀', 'ΑΒγ', 'a\000b', list_to_atom(lists:duplicate(255, $a)),
                   list_to_atom(lists:duplicate(255, 16#e9)), list_to_atom(lists:duplicate(255, 16#65e5)),
                   list_to_atom(lists:duplicate(255, 16#1f600)), list_to_atom(lists:duplicate(128, 16#e9))]);
        _ -> list_to_atom("atom_" ++ integer_to_list(below(60)))
    end.

text() ->
    unicode:characters_to_binary(lists:concat(many(below(4), fun() ->
        pick(["", "a", "héllo", "日本", "😀", [16#feff, $x], "with \"quotes\"", "\n\t", [0], lists:duplicate(70, $x),
              "#{a}", [16#200b], lists:duplicate(below(100), $y), [16#7f], [16#80], "it's \\", "Zażółć"])
    end))).

bits() ->
    Bits = bytes(1 + below(6)),
    Size = bit_size(Bits) - 1 - below(7),
    <<Part:Size/bitstring, _/bitstring>> = Bits,
    Part.

byte_list() ->
    case below(30) of
        0 -> binary_to_list(bytes(300));
        1 -> many(below(6), fun() -> pick([below(256), below(300), zero()]) end);
        _ -> binary_to_list(bytes(below(7)))
    end.

%% Identifiers of this node, which keep what they are on the way.
identifiers() ->
    Pid = spawn(fun() -> ok end),
    Alias = alias(),
    unalias(Alias),
    [self(), Pid, make_ref(), make_ref(), Alias, monitor(process, Pid) | erlang:ports()].

%% Identifiers of other nodes, as the external format has them in all its generations.
identifier() ->
    Node = external_atom(pick(['a@b', 'ts@127.0.0.1', 'nöde@höst', nonode@nohost, node()])),
    Creation = word(),
    binary_to_term(case below(7) of
        0 -> <<131, 88, Node/binary, (below(16#10000000)):32, (below(16#2000)):32, Creation:32>>;
        1 -> <<131, 103, Node/binary, (below(16#8000)):32, (below(8)):32, (below(4)):8>>;
        2 -> <<131, 120, Node/binary, (word()):32, (word()):32, Creation:32>>;
        3 -> <<131, 89, Node/binary, (below(16#10000000)):32, Creation:32>>;
        4 -> <<131, 102, Node/binary, (below(16#10000000)):32, (below(4)):8>>;
        5 -> <<131, 114, 3:16, Node/binary, (below(4)):8, (below(16#40000)):32, (word()):32, (word()):32>>;
        6 -> reference(Node, Creation)
    end).

%% OTP 25 does not find keys again that are references of one word to another node, in maps of more than 32 pairs.
reference(Node, Creation) ->
    Words = case newest() of true -> 1 + below(5); false -> 2 + below(4) end,
    Numbers = << <<(word()):32>> || _ <- lists:seq(2, Words) >>,
    <<131, 90, Words:16, Node/binary, Creation:32, (below(16#40000)):32, Numbers/binary>>.

word() -> <<N:32>> = bytes(4), N.

external_atom(Atom) ->
    Text = atom_to_binary(Atom),
    <<119, (byte_size(Text)):8, Text/binary>>.

%% Funs with different free variables, which are terms of any kind.
function() ->
    case below(6) of
        0 -> fun lists:map/2;
        1 -> fun erlang:'+'/2;
        2 -> fun 'Elixir.Enum':'map?'/3;
        3 -> X = leaf(), fun() -> X end;
        4 -> X = term(1), Y = atom(), fun(Z) -> {X, Y, Z} end;
        5 -> fun(X, Y) -> {Y, X} end
    end.

%% Native records came with OTP 29; the values of floats are not looked for in them (see expected/1).
record(Depth) ->
    case otp() >= 29 of
        false -> {record, term(Depth)};
        true ->
            Fields = lists:sublist([x, y, 'Größe', z], below(5)),
            Count = length(Fields),
            Atoms = << <<(external_atom(F))/binary>> || F <- [beamjoin_record, pick([point, 'Line']) | Fields] >>,
            Values = << <<(value())/binary>> || _ <- Fields >>,
            binary_to_term(<<131, 67, Count:32, (below(2)):8, Atoms/binary, Values/binary>>)
    end.

value() ->
    <<131, Value/binary>> = term_to_binary(pick([below(300), atom(), <<"text">>, [1, 2], {a, 1.5}, #{k => v},
                                                 pick(get(identifiers))])),
    Value.

%% A term that differs in one place, or in none.
variant([]) -> pick([[], [[]], 0]);
variant(T) when is_list(T) ->
    case below(4) of
        0 -> [leaf() | T];
        1 when length(T) > 1 -> tl(T);
        _ -> vary_head(T)
    end;
variant({}) -> pick([{}, {{}}]);
variant(T) when is_tuple(T) ->
    At = rand:uniform(tuple_size(T)),
    setelement(At, T, variant(element(At, T)));
variant(T) when is_map(T), map_size(T) > 0 ->
    {Key, Value} = pick(maps:to_list(T)),
    case below(4) of
        0 -> maps:put(variant(Key), Value, maps:remove(Key, T));
        1 -> maps:put(leaf(), leaf(), T);
        _ -> maps:put(Key, variant(Value), T)
    end;
variant(T) when is_integer(T), abs(T) < 1 bsl 1000 ->
    case below(4) of
        0 -> T;
        1 when T =:= 0 -> zero();
        1 -> float(T);
        _ -> T + below(3) - 1
    end;
variant(T) when is_float(T), abs(T) < 1.0e18 ->
    case below(3) of
        0 -> T;
        1 -> trunc(T);
        2 when T == 0 -> zero();
        2 -> T * 1.0000000000000002
    end;
variant(T) when is_binary(T) -> pick([T, <<T/binary, 0>>, <<T/binary, 0:3>>]);
variant(T) when is_bitstring(T) -> pick([T, <<T/bitstring, 1:1>>]);
variant(T) -> pick([T, T, leaf()]).

%% Also of an improper list.
vary_head([H | T]) ->
    case below(2) of
        0 -> [variant(H) | T];
        1 when is_list(T), T =/= [] -> [H | vary_head(T)];
        1 when T =:= [] -> [H];
        1 -> [H | variant_tail(T)]
    end.

variant_tail(T) -> case variant(T) of L when is_list(L) -> T; V -> V end.
