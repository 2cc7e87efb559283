%% The BEAM's own codec, timed inside the virtual machine.
%%
%% Reads lines from standard input: "load DOCUMENT BASE64" gives it a document in the external format and is answered by
%% the size that term_to_binary makes of it, "encode|decode DOCUMENT MICROSECONDS" by nanoseconds per call. Each
%% measurement runs in a fresh process.
-module(beam_codec).
-export([main/0]).

main() ->
    io:format("otp ~s~n", [erlang:system_info(otp_release)]),
    loop(#{}).

loop(Documents) ->
    case io:get_line("") of
        eof ->
            halt(0);
        Line ->
            case string:lexemes(string:trim(Line), " ") of
                ["load", Document, Text] ->
                    Bytes = base64:decode(Text),
                    io:format("~b~n", [byte_size(term_to_binary(binary_to_term(Bytes)))]),
                    loop(Documents#{Document => Bytes});
                [Way, Document, Micros] ->
                    Nanos = list_to_integer(Micros) * 1000,
                    Time = measure(list_to_existing_atom(Way), maps:get(Document, Documents), Nanos),
                    io:format("~.3f~n", [float(Time)]),
                    loop(Documents)
            end
    end.

measure(Way, Bytes, Nanos) ->
    Self = self(),
    {Pid, Monitor} = spawn_monitor(fun() ->
        Term = binary_to_term(Bytes),
        Start = cpu_time(),
        Self ! {self(), run(Way, Bytes, Term, Start, Start + Nanos, 1, 0)}
    end),
    receive
        {Pid, Time} -> demonitor(Monitor, [flush]), Time;
        {'DOWN', Monitor, process, Pid, Reason} -> error(Reason)
    end.

run(Way, Bytes, Term, Start, End, Batch, Calls) ->
    Before = cpu_time(),
    case Way of
        encode -> encode(Batch, Term, <<>>);
        decode -> decode(Batch, Bytes, [])
    end,
    After = cpu_time(),
    Done = Calls + Batch,
    if
        After >= End -> (After - Start) / Done;
        After - Before < 5000000 -> run(Way, Bytes, Term, Start, End, Batch * 2, Done);
        true -> run(Way, Bytes, Term, Start, End, Batch, Done)
    end.

%% The last result is carried along, as the compiler leaves out a call whose result nobody uses.
encode(0, _, Last) -> Last;
encode(N, Term, _) -> encode(N - 1, Term, term_to_binary(Term)).

decode(0, _, Last) -> Last;
decode(N, Bytes, _) -> decode(N - 1, Bytes, binary_to_term(Bytes)).

%% Of the whole virtual machine, which has one scheduler and does not wait busily; in steps of a millisecond.
cpu_time() ->
    {Millis, _} = statistics(runtime),
    Millis * 1000000.
