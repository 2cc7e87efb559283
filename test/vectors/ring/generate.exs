# Makes the golden vectors of the hash ring (design.md, section 5), with the arithmetic of the VM it runs on.
#
#   elixir test/vectors/ring/generate.exs > test/vectors/ring/otp25.json
#
# Once for OTP 25, 27 and 29: from OTP 26 on an atom key hashes differently. The ring is written out here by hand
# with the tree functions of the standard library, so that the script needs no package.
defmodule Ring do
  @range 4_294_967_295

  def build(steps) do
    Enum.reduce(steps, {:gb_trees.empty(), []}, fn
      {:add, node}, ring -> add(ring, node)
      {:remove, node}, ring -> remove(ring, node)
    end)
  end

  defp add({tree, nodes} = ring, node) do
    if node in nodes do
      ring
    else
      tree =
        Enum.reduce(1..128, tree, fn i, tree ->
          point = :erlang.phash2({node, i}, @range)
          if :gb_trees.is_defined(point, tree), do: tree, else: :gb_trees.insert(point, node, tree)
        end)

      {tree, [node | nodes]}
    end
  end

  defp remove({tree, nodes}, node) do
    left = for {point, owner} <- :gb_trees.to_list(tree), owner != node, do: {point, owner}
    {:gb_trees.from_orddict(left), nodes -- [node]}
  end

  def owner({tree, _}, key) do
    hash = :erlang.phash2(hashed(key), @range)

    case :gb_trees.next(:gb_trees.iterator_from(hash, tree)) do
      {_point, node, _} -> node
      :none -> elem(:gb_trees.smallest(tree), 1)
    end
  end

  defp hashed(key) when is_atom(key), do: :erlang.term_to_binary(key)
  defp hashed(key), do: key
end

add = fn names -> Enum.map(names, &{:add, &1}) end
many = for i <- 1..20, do: :"node#{i}@10.0.0.#{i}"

rings = [
  add.([:"ts@127.0.0.1"]),
  add.([:"ts@127.0.0.1", :"n1@127.0.0.1"]),
  add.([:"n1@127.0.0.1", :"n2@127.0.0.1", :"ts@127.0.0.1"]),
  add.([:"ts@127.0.0.1", :"n2@127.0.0.1", :"n1@127.0.0.1", :"n2@127.0.0.1"]),
  add.(many),
  add.(many) ++ Enum.map(Enum.take_every(many, 3), &{:remove, &1}),
  add.(many) ++ [{:remove, :"node7@10.0.0.7"}, {:add, :"node7@10.0.0.7"}],
  add.([:nonode@nohost, :"å@host", :"日本@host", :"a-long-name.with.dots@some-host.example.org"])
]

long = String.duplicate("a", 255)

atoms =
  [:a, :ok, true, false, nil, :undefined, :"", DS, MGS, MyApp.DistSup, :"Elixir.MyApp.Worker", :"with space"] ++
    [:"å", :"ÿ", :"naïve", :"日本", :"Ω", :"😀", String.to_atom(long)] ++
    [String.to_atom(String.duplicate("é", 200)), String.to_atom(String.duplicate("日", 255))] ++
    for i <- 1..40, do: :"worker_#{i}"

numbers = [0, 1, -1, 255, 256, 65_535, 134_217_727, 134_217_728, -134_217_728, -134_217_729] ++
  [9_007_199_254_740_991, 9_007_199_254_740_993, -9_007_199_254_740_993, 1.5, -0.25, 1.0, 1.0e300] ++
  [18_446_744_073_709_551_616, -18_446_744_073_709_551_617]

others = [
  "", "worker", "é", "日本", <<255, 0, 1>>, <<5::3>>, <<1, 2, 7::5>>, [], ~c"charlist", [1, 2, 3], [:a | :b],
  [256, :a, "b"], {}, {:user, 42}, {:user, "42"}, {{:nested, [1, %{a: 1}]}, 2.5}, %{}, %{a: 1, b: [2]},
  %{"k" => {:v}, 1 => 2}, {:complex, "key"}, {DS, MGS}, &:lists.map/2
]

# What has a form of its own in the external format, at its limits.
limits = [
  4_294_967_295, 4_294_967_296, -4_294_967_296, 9_223_372_036_854_775_807, -9_223_372_036_854_775_808,
  Integer.pow(2, 128), -Integer.pow(2, 96), Integer.pow(2, 2100), -Integer.pow(7, 900),
  0.0, -1.0, 3.14, 1.0e-300, 5.0e-324, -1.7976931348623157e308, 0.1,
  String.duplicate("x", 300), String.duplicate("ö", 300), <<0>>, <<0, 0, 0, 0>>, <<0::1>>, <<1::1>>, <<"bits", 3::7>>,
  Enum.to_list(1..300), ~c"日本", [1, 2 | 3], [[] | %{}], [~c"ab" | "c"], [[[[]]]], [nil, true, false],
  [1.5, -1], {nil}, {true, false}, {{}, []}, {1, 1.0}, List.to_tuple(Enum.to_list(1..300)), {[a: 1, b: {2}], %{c: [3]}},
  Map.new(1..40, &{&1, -&1}), %{1 => :int, 1.0 => :float}, %{nil => %{[] => {}}}, %{__struct__: MyApp.User, id: 7},
  %{{:a, 1} => [1 | 2], "b" => <<1::3>>}
]

tuples = for i <- 1..30, do: {:session, "user-#{i}", i}
strings = for i <- 1..30, do: "key #{i}"

# Pids, references, ports and funs of a node n1@127.0.0.1, as bytes, so that the vectors do not depend on the machine.
n1 = <<119, 12>> <> "n1@127.0.0.1"

# A fun of a module that is not loaded, with what it holds.
fun = fn held ->
  unique = <<0x0123456789ABCDEF0011223344556677::128>>
  rest = <<119, 9, "not_there", 97, 3, 98, 0x0ABCDEF1::32>>
  pid = <<88, n1::binary, 107::32, 0::32, 0x65000001::32>>
  terms = for term <- held, into: "", do: binary_part(:erlang.term_to_binary(term), 1, byte_size(:erlang.term_to_binary(term)) - 1)
  body = <<2, unique::binary, 3::32, length(held)::32, rest::binary, pid::binary, terms::binary>>
  :erlang.binary_to_term(<<131, 112, byte_size(body) + 4::32, body::binary>>)
end

identifiers = [
  # Minus zero, which OTP 25 takes for the zero above.
  :erlang.binary_to_term(<<131, 70, 1::1, 0::63>>),
  fun.([]),
  fun.([1, "two", [:three]]),
  &String.upcase/1,
  :erlang.binary_to_term(<<131, 88, n1::binary, 0xFFFFFFFF::32, 0xFFFFFFFF::32, 0x65000001::32>>),
  :erlang.binary_to_term(<<131, 89, n1::binary, 5::32, 0x65000001::32>>),
  :erlang.binary_to_term(<<131, 120, n1::binary, 0x1234567890::64, 0x65000001::32>>),
  :erlang.binary_to_term(<<131, 90, 5::16, n1::binary, 0x65000001::32, 1::32, 2::32, 3::32, 4::32, 5::32>>),
  :erlang.binary_to_term(<<131, 90, 1::16, n1::binary, 0x65000001::32, 7::32>>),
  {:holds, [:erlang.binary_to_term(<<131, 88, n1::binary, 107::32, 0::32, 0x65000001::32>>)]},
  :erlang.binary_to_term(<<131, 88, n1::binary, 107::32, 0::32, 0x65000001::32>>),
  :erlang.binary_to_term(<<131, 90, 3::16, n1::binary, 0x65000001::32, 0x21A2B::32, 0xA1B20003::32, 0x5C6D7E8F::32>>)
]

keys = Enum.uniq(atoms ++ numbers ++ others ++ limits ++ tuples ++ strings ++ identifiers)
built = Enum.map(rings, &Ring.build/1)

quoted = fn text ->
  inner = for <<c::utf8 <- text>>, into: "", do: if(c in [?", ?\\], do: <<?\\, c>>, else: <<c::utf8>>)
  "\"" <> inner <> "\""
end

list = fn items, join -> "[" <> Enum.join(items, join) <> "]" end

ring_lines =
  for {steps, {_tree, nodes}} <- Enum.zip(rings, built) do
    names = for {verb, node} <- steps, do: list.([quoted.(to_string(verb)), quoted.(to_string(node))], ",")
    members = Enum.map(nodes, &quoted.(to_string(&1)))
    ~s({"steps":#{list.(names, ",")},"nodes":#{list.(members, ",")}})
  end

key_lines =
  for key <- keys do
    term = key |> :erlang.term_to_binary() |> Base.encode64()
    # Owners are positions in the ring's "nodes".
    owners =
      for {_tree, nodes} = ring <- built do
        owner = Ring.owner(ring, key)
        Enum.find_index(nodes, &(&1 == owner))
      end

    ~s({"key":"#{term}","owners":#{list.(owners, ",")}})
  end

:io.setopts(encoding: :utf8)
IO.puts("{")
IO.puts(~s("otp":"#{:erlang.system_info(:otp_release)}","by":"test/vectors/ring/generate.exs",))
IO.puts(~s("rings":#{list.(ring_lines, ",\n")},))
IO.puts(~s("keys":#{list.(key_lines, ",\n")}))
IO.puts("}")
