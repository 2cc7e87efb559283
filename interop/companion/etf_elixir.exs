# Elixir's side of interop/etf-elixir.test.ts: what it prints, reads and makes.
#
# Evaluated with `port`, which has packets of four bytes length in both directions, each an external term; beside the
# module beamjoin_terms of test/vectors/etf. Requests:
#   {:make, seed, count}    makes random terms; answers with {external, inspect} of each
#   {:structs, seed, count} makes structs; answers with {external, inspect, to_string or nil} of each
#   {:same, externals}      answers with whether each is === to what was made last
#   {:read, texts}          evaluates Elixir literals; answers with the external term of each
#   {:show, externals}      answers with {inspect, to_string or nil} of each

defmodule Companion do
  # Elixir before 1.15 prints charlists in another way, so that all are printed as lists there.
  @charlists if Version.match?(System.version(), ">= 1.15.0"), do: :infer, else: :as_lists

  def loop(port, made) do
    receive do
      {^port, {:data, packet}} ->
        {answer, made} = handle(:erlang.binary_to_term(packet), made)
        Port.command(port, :erlang.term_to_binary(answer))
        loop(port, made)

      {^port, :eof} ->
        System.halt(0)
    end
  end

  defp handle({:make, seed, count}, _) do
    terms = :beamjoin_terms.generate(seed, count)
    {Enum.map(terms, &{:erlang.term_to_binary(&1), text(&1)}), terms}
  end

  defp handle({:structs, seed, count}, _) do
    :rand.seed(:exsss, seed)
    structs = Enum.map(1..count, fn _ -> struct() end)
    {Enum.map(structs, &{:erlang.term_to_binary(&1), text(&1), string(&1)}), structs}
  end

  defp handle({:same, externals}, made) do
    {Enum.zip_with(externals, made, &(:erlang.binary_to_term(&1) === &2)), made}
  end

  defp handle({:read, texts}, made) do
    read = fn text -> text |> Code.eval_string() |> elem(0) |> :erlang.term_to_binary() end
    {Enum.map(texts, read), made}
  end

  defp handle({:show, externals}, made) do
    {Enum.map(externals, fn external ->
       term = :erlang.binary_to_term(external)
       {text(term), string(term)}
     end), made}
  end

  defp text(term), do: inspect(term, limit: :infinity, printable_limit: :infinity, charlists: @charlists)

  # Only of structs that have one.
  defp string(%module{} = struct) when module not in [MapSet, Range, Decimal], do: to_string(struct)
  defp string(_), do: nil

  defp below(limit), do: :rand.uniform(limit) - 1
  defp pick(list), do: Enum.random(list)

  defp struct do
    case below(9) do
      0 -> date()
      1 -> time()
      2 -> NaiveDateTime.new!(date(), time())
      3 -> DateTime.new!(date(), time())
      4 -> zoned()
      5 -> MapSet.new(:beamjoin_terms.generate(below(1_000_000), below(12)) |> Enum.reject(&is_float/1))
      6 -> Range.new(below(1000) - 500, below(1000) - 500, pick([1, -1, 7]))
      7 -> uri()
      # The struct of the package decimal, which need not be there.
      8 -> %{__struct__: Decimal, sign: pick([1, -1]), coef: pick([below(10_000), 10 ** below(60), :NaN, :inf]), exp: below(40) - 20}
    end
  end

  defp date, do: Date.add(~D[0000-01-01], below(3_652_424)) |> negate()
  defp negate(date), do: if(below(5) == 0, do: %{date | year: -date.year, day: min(date.day, 28)}, else: date)

  defp time do
    precision = below(7)
    unit = 10 ** (6 - precision)
    Time.new!(below(24), below(60), below(60), {below(div(1_000_000, unit)) * unit, precision})
  end

  defp zoned do
    {zone, abbr, utc, std} =
      pick([
        {"Europe/Paris", "CEST", 3600, 3600},
        {"America/St_Johns", "NST", -12_600, 0},
        {"Asia/Kathmandu", "+0545", 20_700, 0},
        {"Etc/UTC", "UTC", 0, 0},
        {"Europe/Dublin", "GMT", 0, 0}
      ])

    fields = DateTime.new!(date(), time()) |> Map.from_struct()
    struct!(DateTime, %{fields | time_zone: zone, zone_abbr: abbr, utc_offset: utc, std_offset: std})
  end

  defp uri do
    URI.parse(
      pick(["", "http://", "https://u:p@", "//", "ws://", "x-y:"]) <>
        pick(["h", "example.org", "[::1]", "h:8080", "h:443", "h:80"]) <>
        pick(["", "/", "/a/b%20c", "/a;b"]) <> pick(["", "?", "?a=1&b=2"]) <> pick(["", "#", "#top"])
    )
  end
end

Companion.loop(port, [])
