# Writes inspect_vectors.jsonl: terms, their external form and what Elixir's inspect/1 prints for them.
#
#   elixir generate-inspect.exs > inspect_vectors.jsonl
#
# The file in the repository was made by Elixir 1.20.4 on OTP 29.1.1; older releases print charlists in another way.

atoms =
  ~w(ok error! really? Foo Foo.Bar foo_bar foo@bar _ do nil true false + - ..// <<>> {} %{} :: -> when ähm 日本 a-b 1a) ++
    ["", "with space", "Elixir", "Elixir.Foo", "Elixir.Foo.Bar", "Elixir.foo", "a\"b", "\#{x}", "\n", "\0", "Aé", "привет"]

texts = [
  "", "abc", "with \"quotes\"", "tab\tline\nend", "a\\b", "\#{x}", "#", "é日本😀", "\0", "\a\b\e\d\f\v", "\u200B", "\u00A0",
  "\uFEFF", "\uFFFE", "it's", <<255>>, <<1, 2, 255>>, "ab" <> <<128>>
]

floats = [0.0, -0.0, 1.0, -1.5, 0.1, 1.0e-4, 1.2e-4, 0.00123, 1.0e-5, 123456.789, 1.0e15, 1.0e16, 9007199254740993.0,
          1.0e22, 5.0e-324, 1.7976931348623157e308, 100.0, 3.141592653589793]

terms =
  Enum.map(atoms, &String.to_atom/1) ++
    Enum.map(atoms, &[{String.to_atom(&1), 1}]) ++
    Enum.map(atoms, &%{String.to_atom(&1) => [1]}) ++
    texts ++
    floats ++
    [
      0, -1, 255, 2 ** 53, 2 ** 64, -(2 ** 64),
      [], {}, %{}, [1], {1}, [[]], {[], {}}, %{%{} => {}},
      [1, 2 | 3], [:a | "b"], [[1 | 2] | 3],
      ~c"abc", ~c"a\"b'c", ~c"\#{x}\n\t", [0], [127], [31], [97, 300], [97.0],
      [a: 1, b: 2], [{:a, 1}, {"b", 2}], [{:a, 1, 2}], [a: [b: [c: 1]]], [{:a, 1} | :b],
      %{a: 1}, %{"a" => 1}, %{1 => 2}, %{nil => 1}, %{1.0 => 2}, %{{1, 2} => [3]}, %{[a: 1] => %{b: 2}},
      <<5::3>>, <<255, 1::1>>, <<1, 2, 127::7>>,
      &Enum.map/2, &:lists.map/2, &:erlang.+/2, &Kernel.//2, :erlang.make_fun(:"a b", :"c d", 1),
      :erlang.make_fun(Foo, :Bar, 1), :erlang.make_fun(nil, :a?, 255),
      1..3, 3..1//-1, 1..0//1, 1..10//2, MapSet.new([1]), MapSet.new([]),
      ~D[2024-02-29], ~D[0000-01-01], ~T[10:00:00], ~T[10:00:00.120], ~N[2024-02-29 10:00:00.000001], ~U[2024-02-29 10:00:00Z],
      %{~U[2024-02-29 10:00:00.5Z] | time_zone: "Europe/Paris", zone_abbr: "CET", utc_offset: 3600},
      {:error, %{reason: :timeout, stack: [{Foo, :bar, 2, [file: ~c"lib/foo.ex", line: 3]}]}}
    ]

json_string = fn text ->
  escaped =
    for <<c::utf8 <- text>>, into: "" do
      cond do
        c in [?", ?\\] -> <<?\\, c>>
        c < 32 -> "\\u" <> String.pad_leading(Integer.to_string(c, 16), 4, "0")
        true -> <<c::utf8>>
      end
    end

  "\"" <> escaped <> "\""
end

for term <- terms do
  etf = term |> :erlang.term_to_binary() |> Base.encode16(case: :lower)
  IO.puts(~s({"etf": "#{etf}", "text": #{json_string.(inspect(term, limit: :infinity))}}))
end
