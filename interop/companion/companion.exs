# Runs Elixir code in a node that interop/peer.ts started, outside of the distribution.
#
# In on stdin, one line each, payloads in base64:
#   eval ID SESSION CODE    evaluate CODE in the process SESSION, which keeps its bindings and its mailbox
#   drop SESSION            kill that process
#   stop                    leave in order (init:stop/0)
# Out on stdout, always from the start of a line:
#   @beamjoin ID ok RESULT      what inspect/2 prints
#   @beamjoin ID error TEXT     the formatted exception, or why the session ended
# Everything else on stdout is output of the code. End of input halts the node: its owner is gone.

defmodule Beamjoin.Companion do
  @inspect [limit: :infinity, printable_limit: :infinity]

  def run do
    emit("0", "ok", "OTP #{System.otp_release()} Elixir #{System.version()}")
    loop(%{})
  end

  defp loop(sessions) do
    case IO.read(:stdio, :line) do
      line when is_binary(line) -> line |> String.split() |> handle(sessions) |> loop()
      _end_of_input -> System.halt(0)
    end
  end

  defp handle(["eval", id, name, code], sessions) do
    session = live_session(sessions[name])
    spawn(fn -> supervise(session, id, Base.decode64!(code)) end)
    Map.put(sessions, name, session)
  end

  defp handle(["drop", name], sessions) do
    {session, rest} = Map.pop(sessions, name)
    if session, do: Process.exit(session, :kill)
    rest
  end

  defp handle(["stop"], sessions) do
    :init.stop()
    sessions
  end

  defp live_session(pid) do
    if pid && Process.alive?(pid), do: pid, else: spawn(fn -> session([]) end)
  end

  # Waits beside the session, so that its end is an answer too.
  defp supervise(session, id, code) do
    monitor = Process.monitor(session)
    send(session, {__MODULE__, self(), code})

    receive do
      {__MODULE__, status, text} -> emit(id, status, text)
      {:DOWN, ^monitor, :process, _pid, reason} -> emit(id, "error", "exited: " <> inspect(reason))
    end
  end

  defp session(bindings) do
    receive do
      {__MODULE__, from, code} ->
        {status, text, bindings} = evaluate(code, bindings)
        send(from, {__MODULE__, status, text})
        session(bindings)
    end
  end

  defp evaluate(code, bindings) do
    {value, bindings} = Code.eval_string(code, bindings, file: "peer.eval")
    {"ok", inspect(value, @inspect), bindings}
  catch
    kind, reason -> {"error", Exception.format(kind, reason, __STACKTRACE__), bindings}
  end

  defp emit(id, status, text) do
    IO.binwrite(:stdio, "\n@beamjoin #{id} #{status} #{Base.encode64(text)}\n")
  end
end

Beamjoin.Companion.run()
