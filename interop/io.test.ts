/** Output between nodes: ours at the caller's terminal, a BEAM's at ours; formats as io_lib makes them; log events. */
import { test } from 'tap'
import { atom, type BeamNode, type IoDevice, io, type Pid, type Process, Tuple } from '../src/index.ts'
import { waitFor } from './peer.ts'
import { connectedCluster, EX, TS } from './support/cluster.ts'

const CAPTURE =
  'capture = fn fun -> {:ok, sio} = StringIO.open("typed\\n"); old = Process.group_leader(); Process.group_leader(self(), sio); result = fun.(); Process.group_leader(self(), old); {_, out} = StringIO.contents(sio); {result, out} end'

function device(): IoDevice & { text: string } {
  const made = {
    text: '',
    write: (text: string): void => {
      made.text += text
    },
  }
  return made
}

function userOf(node: BeamNode): string {
  return `:rpc.call(:"${node.name}", :erlang, :whereis, [:user])`
}

test('what an exposed function prints goes to the terminal of its caller', async (t) => {
  const { node, peer } = await connectedCluster(t)
  node.rpc.expose('Elixir.Greeter', {
    greet: async (name) => {
      await io.puts(`Hello, ${name}`)
      await io.write('and ')
      await io.inspect(atom('goodbye'))
      return atom('ok')
    },
    ask: async () => (await io.gets('name? ')) ?? null,
    async mine(this: Process) {
      await this.io.puts('mine')
      return this.groupLeader
    },
  })
  const there = `:"${TS}"`
  await peer.eval(CAPTURE)
  for (const call of [`:rpc.call(${there}, `, `:rpc.block_call(${there}, `, `:erpc.call(${there}, `]) {
    t.equal(
      await peer.eval(`capture.(fn -> ${call}Greeter, :greet, ["world"]) end)`),
      String.raw`{:ok, "Hello, world\nand :goodbye\n"}`,
      call,
    )
  }
  t.equal(
    await peer.eval(`capture.(fn -> :rpc.call(${there}, Greeter, :ask, []) end)`),
    String.raw`{"typed\n", ""}`,
  )
  t.equal(
    await peer.eval(
      `{leader, out} = capture.(fn -> :rpc.call(${there}, Greeter, :mine, []) end); {node(leader), out}`,
    ),
    `{:"${EX}", "mine\\n"}`,
  )
  t.equal(
    await peer.eval(
      `capture.(fn -> pid = Node.spawn_link(${there}, Greeter, :greet, ["spawned"]); ref = Process.monitor(pid); receive do {:DOWN, ^ref, _, _, why} -> why end end)`,
    ),
    String.raw`{:normal, "Hello, spawned\nand :goodbye\n"}`,
  )
})

test('group leaders are inherited, set from another node, and told to others', async (t) => {
  const out = device()
  const { node, peer } = await connectedCluster(t, { node: { io: out } })
  const printer = node.spawn(async (self) => {
    for (;;) {
      const message = await self.receive()
      if (message instanceof Tuple) self.send(message[0] as Pid, self.groupLeader)
      else self.spawn((child) => child.io.puts(`child says ${message}`))
    }
  })
  node.register('printer', printer)
  node.send(printer, 'one')
  await waitFor(() => out.text === 'child says one\n', { what: 'the output at our own terminal' })
  await peer.eval(`{:ok, sio} = StringIO.open(""); pid = :rpc.call(:"${TS}", :erlang, :whereis, [:printer])`)
  await peer.eval('Process.group_leader(pid, sio)')
  await peer.eval('send(pid, "two")')
  await waitFor(
    async () => (await peer.eval('StringIO.contents(sio)')) === String.raw`{"", "child says two\n"}`,
    {
      what: 'the output at the leader that was set',
    },
  )
  t.equal(
    await peer.eval('send(pid, {self(), :leader}); receive do l -> l == sio after 5000 -> :nothing end'),
    'true',
  )
  t.equal(out.text, 'child says one\n')
})

test('code of a BEAM whose group leader is ours prints here, as the BEAM would format it', async (t) => {
  const out = device()
  const { node, peer } = await connectedCluster(t, { node: { io: out } })
  await peer.eval(`user = ${userOf(node)}`)
  t.equal(await peer.eval('IO.puts(user, "plain ü €")'), ':ok')
  t.equal(await peer.eval('IO.write(user, ["char", ?d, [32 | "ata"]])'), ':ok')
  t.equal(
    await peer.eval(
      'send({:user, node(user)}, {:io_request, self(), 1, {:put_chars, :unicode, ["by name", 10]}}); receive do m -> m end',
    ),
    '{:io_reply, 1, :ok}',
  )
  t.equal(await peer.eval('IO.inspect(user, %{a: [1]}, [])'), '%{a: [1]}')
  t.equal(out.text, 'plain ü €\nchard atab' + 'y name\n%{a: [1]}\n')
  t.equal(await peer.eval('IO.gets(user, "? ")'), ':eof')
  t.equal(await peer.eval(':io.columns(user)'), '{:error, :enotsup}')
  t.equal(await peer.eval(':io.getopts(user)[:encoding]'), ':unicode')
  t.equal(await peer.eval(':io.setopts(user, [binary: true])'), ':ok')
  t.equal(
    await peer.eval(
      'send(user, {:io_request, self(), :x, :nonsense}); receive do m -> m after 5000 -> :nothing end',
    ),
    '{:io_reply, :x, {:error, :request}}',
  )
  const formats: readonly (readonly [format: string, args: string])[] = [
    ['~p ~w~n', '[:a, "text"]'],
    ['~p', '[~c"charlist"]'],
    ['~w', '[~c"abc"]'],
    ['~p ~tp', '["über", "über"]'],
    ['~ts|~s', '["€uro", "plain"]'],
    ['~10s|~-10s|~.3s|~10.3s', '["right", "left", "cutoff", "both"]'],
    ['~5..0b ~b ~.16b ~.16B ~.2#', '[42, -7, 255, 255, 5]'],
    ['~+', '[9]'],
    ['~x ~.16X', '[10, ~c"0x", -255, ~c"0x"]'],
    ['~f ~.2f ~e ~.3e', '[1.5, 3.14159, 12345.678, 0.00012]'],
    ['~c~5c~n~~', '[?x, ?y]'],
    ['~i~p', '[:ignored, :shown]'],
    ['~p ~p ~p', '[{:ok, 1.5}, %{k: "v"}, [1 | 2]]'],
    ['~p', '[[:"with space", :\'Upper\', :if, :nil, true, Elixir.Mod]]'],
    ['~p', '[[1.0e22, 1.5e-7, 0.1, 123456.789, 0.001, 0.0001, 0.00015, 0.0012, -1.5]]'],
    ['~g ~g ~g', '[1.5, 0.25, 12345.678]'],
    ['~w', '[<<1, 2, 255>>]'],
    ['~p', '[<<1, 2, 255>>]'],
    ['~p', '[[?a, 10, ?"]]'],
    ['~P', '[[1, 2, {3, {4, {5}}}], 100]'],
    ['~*c~*.*f', '[3, ?z, 8, 2, 2.5]'],
    ['~p', '[&String.upcase/1]'],
    ['~p', '[-123456789012345678901234567890]'],
    ['~s', '[:atom]'],
  ]
  for (const [format, args] of formats) {
    out.text = ''
    const theirs = await peer.eval(
      `:io_lib.format(${JSON.stringify(format)}, ${args}) |> IO.chardata_to_string()`,
    )
    await peer.eval(`:io.format(user, ${JSON.stringify(format)}, ${args})`)
    t.equal(
      out.text,
      JSON.parse(theirs.replace(/\\[^"\\nt]/g, (escaped) => escaped.slice(1))),
      `${format} ${args}`,
    )
  }
  t.match(
    await peer.eval('try do :io.format(user, "~p ~p", [1]) rescue e -> e end'),
    /ArgumentError|ErlangError/,
  )
})

test('log events of processes whose group leader is ours come to our logger', async (t) => {
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = []
  const at = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message })
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const { node, peer } = await connectedCluster(t, { node: { logger, io: device() } })
  await peer.eval(`user = ${userOf(node)}; Process.group_leader(self(), user)`)
  await peer.eval(':logger.error("it is ~p and ~s", [:broken, "loud"])')
  await peer.eval(':logger.warning(%{what: :report})')
  await waitFor(() => lines.filter(({ fields }) => fields['node'] === EX).length >= 2, {
    what: 'both events',
  })
  const [first, second] = lines.filter(({ fields }) => fields['node'] === EX)
  t.match(first, {
    level: 'error',
    message: 'it is :broken and loud'.replace(':', ''),
    fields: { pid: /^#PID</ },
  })
  t.match(second, { level: 'warn', message: /what: :report/ })
  const mine = node.spawn((self) => {
    self.register('chatty')
    self.logger.info({ extra: 1 }, 'from a process')
  })
  await waitFor(() => lines.some(({ message }) => message === 'from a process'), { what: 'our own line' })
  t.match(
    lines.find(({ message }) => message === 'from a process'),
    { level: 'info', fields: { node: TS, pid: String(mine), name: ':chatty', extra: 1 } },
  )
})
