%% The same as companion.exs for a node without Elixir: evaluates Erlang expressions, "X = 1, self()." The line protocol
%% on stdin and stdout is described there. Results are printed as io_lib's ~tp prints them. There is no preprocessor where
%% this source is compiled, so no macros.
-module(beamjoin_companion).
-export([run/0]).

run() ->
    emit("0", "ok", ["OTP ", erlang:system_info(otp_release)]),
    loop(#{}).

loop(Sessions) ->
    case io:get_line("") of
        Line when is_list(Line) -> loop(handle(string:lexemes(Line, " \r\n"), Sessions));
        _EndOfInput -> halt(0)
    end.

handle(["eval", Id, Name, Code], Sessions) ->
    Session = live_session(maps:get(Name, Sessions, none)),
    spawn(fun() -> supervise(Session, Id, base64:decode(Code)) end),
    Sessions#{Name => Session};
handle(["drop", Name], Sessions) ->
    case maps:take(Name, Sessions) of
        {Session, Rest} -> exit(Session, kill), Rest;
        error -> Sessions
    end;
handle(["stop"], Sessions) ->
    init:stop(),
    Sessions.

live_session(Pid) ->
    case is_pid(Pid) andalso is_process_alive(Pid) of
        true -> Pid;
        false -> spawn(fun() -> session(erl_eval:new_bindings()) end)
    end.

supervise(Session, Id, Code) ->
    Monitor = erlang:monitor(process, Session),
    Session ! {beamjoin_companion, self(), Code},
    receive
        {beamjoin_companion, Status, Text} -> emit(Id, Status, Text);
        {'DOWN', Monitor, process, _, Reason} -> emit(Id, "error", ["exited: ", format(Reason)])
    end.

session(Bindings) ->
    receive
        {beamjoin_companion, From, Code} ->
            {Status, Text, Next} = evaluate(Code, Bindings),
            From ! {beamjoin_companion, Status, Text},
            session(Next)
    end.

evaluate(Code, Bindings) ->
    try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Code)),
        {ok, Expressions} = erl_parse:parse_exprs(Tokens),
        {value, Value, Next} = erl_eval:exprs(Expressions, Bindings),
        {"ok", format(Value), Next}
    catch
        Class:Reason:Stack ->
            {"error", ["** ", atom_to_list(Class), " ", format(Reason), "\n", format(Stack)], Bindings}
    end.

format(Term) -> io_lib:format("~0tp", [Term]).

emit(Id, Status, Text) ->
    Payload = base64:encode(unicode:characters_to_binary(Text)),
    io:put_chars(["\n@beamjoin ", Id, " ", Status, " ", Payload, "\n"]).
