#!/usr/bin/env escript
%% Writes vectors of random terms, one line of JSON for each, made by the BEAM that runs this:
%%
%%   escript generate-terms.escript SEED COUNT > terms_otp29.jsonl
%%
%% `etf` is the external form in base64, as binary_to_term/1 takes it; `order` how the term compares to that of the next
%% line (the last one: to itself), `equal` whether it is =:= to it; `hash` phash2/1, `full` phash2/2 with 2^32, `ranged`
%% phash2/2 with `range`. Terms with a native record have no hashes, for those differ by machine.
%%
%% The files in the repository: seed 3, 500 terms, by OTP 25.2.3, 27.3.4.1 and 29.1.1.

main([Seed, Count]) ->
    {ok, Module, Binary} = compile:file(filename:join(filename:dirname(escript:script_name()), "beamjoin_terms.erl"), [binary]),
    {module, Module} = code:load_binary(Module, "beamjoin_terms.erl", Binary),
    Terms = beamjoin_terms:generate(list_to_integer(Seed), list_to_integer(Count)),
    [line(Fact) || Fact <- beamjoin_terms:facts(Terms)].

line({Bytes, Order, Equal, Hashes}) ->
    io:format("{\"etf\":\"~s\",\"order\":~b,\"equal\":~s~s}~n", [base64:encode(Bytes), Order, Equal, hashes(Hashes)]).

hashes([]) -> "";
hashes(Hashes) -> io_lib:format(",\"hash\":~b,\"full\":~b,\"range\":~b,\"ranged\":~b", Hashes).
