# What a BEAM makes of encoded terms, for interop/etf.test.ts.
#
# In on stdin, one line a term: its external form in base64, and optionally another one after a space.
# Out on stdout, one line each, in base64 where it is no number or boolean:
#   EXTERNAL INSPECT PHASH2 SAME    what it encodes the term to, prints of it, hashes it to in the range of 2^32, and
#                                   whether both terms of the line are equal under =:=

answer = fn line ->
  [term | others] = line |> String.split() |> Enum.map(&:erlang.binary_to_term(Base.decode64!(&1)))
  text = inspect(term, limit: :infinity, printable_limit: :infinity)
  hash = :erlang.phash2(term, 4_294_967_296)
  same = Enum.all?(others, &(&1 === term))
  "#{Base.encode64(:erlang.term_to_binary(term))} #{Base.encode64(text)} #{hash} #{same}\n"
end

:stdio |> IO.stream(:line) |> Enum.each(&IO.write(answer.(&1)))
