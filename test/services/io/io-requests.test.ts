/** The I/O protocol as a server, the log events of other nodes, and the client side of a process. */
import { test } from 'tap'
import { atom, type Encodable, inspect, Pid, type Term, tuple } from '../../../src/etf/index.ts'
import { answerIo } from '../../../src/services/io/io-requests.ts'
import { readLogEvent } from '../../../src/services/io/logger-proxy.ts'
import { any, assertReceive, TestCluster } from '../../../src/testing/index.ts'

const PUT = atom('put_chars')
const UNICODE = atom('unicode')
const IO_LIB = atom('io_lib')

test('requests are answered as by a device of OTP', async (t) => {
  let written = ''
  const device = {
    write: (text: string): void => {
      written += text
    },
  }
  const answer = async (request: Encodable): Promise<string> =>
    inspect((await answerIo(device, request as Term)) as Term)
  for (const [request, expected, text] of [
    [tuple(PUT, UNICODE, ['a', 98]), ':ok', 'ab'],
    [tuple(PUT, 'old form'), ':ok', 'old form'],
    [tuple(PUT, UNICODE, IO_LIB, atom('format'), ['~p~n', [atom('x')]]), ':ok', 'x\n'],
    [tuple(PUT, IO_LIB, atom('nl'), []), ':ok', '\n'],
    [tuple(PUT, UNICODE, IO_LIB, atom('write'), ['x']), ':ok', '<<120>>'],
    [tuple(PUT, UNICODE, tuple()), '{:error, :put_chars}', ''],
    [tuple(PUT, UNICODE, atom('os'), atom('cmd'), ['id']), '{:error, {:put_chars, :os, :cmd, ["id"]}}', ''],
    [
      tuple(PUT, UNICODE, IO_LIB, atom('format'), ['~p', []]),
      '{:error, {:put_chars, :io_lib, :format, ["~p", []]}}',
      '',
    ],
    [tuple(atom('get_line'), UNICODE, '> '), ':eof', ''],
    [tuple(atom('get_until'), UNICODE, '', atom('m'), atom('f'), []), ':eof', ''],
    [tuple(atom('get_geometry'), atom('columns')), '{:error, :enotsup}', ''],
    [tuple(atom('setopts'), []), ':ok', ''],
    [atom('getopts'), '[binary: true, encoding: :unicode]', ''],
    [
      tuple(atom('requests'), [
        tuple(PUT, UNICODE, '1'),
        tuple(PUT, UNICODE, atom('x')),
        tuple(PUT, UNICODE, '2'),
      ]),
      '{:error, :put_chars}',
      '1',
    ],
    [tuple(atom('what')), '{:error, :request}', ''],
    [17, '{:error, :request}', ''],
  ] as [Encodable, string, string][]) {
    written = ''
    t.equal(await answer(request), expected)
    t.equal(written, text)
  }
  const terminal = {
    ...device,
    readLine: async (prompt: string) => `${prompt}typed\n`,
    size: () => ({ columns: 80, rows: 24 }),
  }
  t.equal(await answerIo(terminal, tuple(atom('get_line'), UNICODE, '> ') as Term), '> typed\n')
  t.equal(await answerIo(terminal, tuple(atom('get_geometry'), atom('rows')) as Term), 24)
})

test('log events of every shape become lines', async (t) => {
  const pid = new Pid(atom('ex@host'), 110, 0, 1)
  const meta = new Map<Term, Term>([[atom('pid'), pid]])
  const event = (...parts: Encodable[]): ReturnType<typeof readLogEvent> =>
    readLogEvent(tuple(atom('log'), ...parts, meta as never) as Term)
  const fields = { node: 'ex@host', pid: '#PID<0.110.0>' }
  t.match(event(atom('error'), '~p failed', [atom('it')]), { level: 'error', message: 'it failed', fields })
  t.match(event(atom('notice'), tuple(atom('string'), ['so', 32, 'what'])), {
    level: 'info',
    message: 'so what',
  })
  t.match(event(atom('warning'), tuple(atom('report'), [tuple(atom('a'), 1)])), {
    level: 'warn',
    message: '[a: 1]',
  })
  t.match(event(atom('critical'), 'plain'), {
    level: 'error',
    message: 'plain',
    fields: { level: 'critical' },
  })
  t.match(event(atom('debug'), '~p ~p', [1]), { level: 'debug', message: '"~p ~p" [1]' })
  t.equal(event(atom('loud'), 'x'), undefined)
  t.equal(readLogEvent(tuple(atom('log'), atom('error'), 'x', 'no meta') as Term), undefined)
  t.equal(readLogEvent('x'), undefined)
})

test('a process prints in order, and hears when its group leader refuses or ends', async (t) => {
  await using cluster = new TestCluster()
  const [a, b] = await cluster.start('a', 'b')
  const probe = cluster.probe(a)
  const leader = b.spawn(async (self) => {
    for (let i = 0; ; i++) {
      const [, from, ref, request] = [...((await self.receive()) as never as Iterable<Term>)] as [
        Term,
        Pid,
        Term,
        Encodable,
      ]
      self.send(probe.pid, request)
      if (i === 3) return
      self.send(
        from,
        tuple(atom('io_reply'), ref, i === 2 ? tuple(atom('error'), atom('full')) : atom('ok')) as Encodable,
      )
    }
  })
  a.spawn(async (self) => {
    self.groupLeader = leader
    const first = self.io.puts('one')
    await self.io.write(atom('two'))
    await first
    const codes: string[] = []
    for (let i = 0; i < 2; i++) await self.io.inspect([1]).catch((error: Error) => codes.push(error.message))
    self.send(probe.pid, codes)
  })
  for (const text of ['one\n', 'two', '[1]\n', '[1]\n']) {
    await assertReceive(probe, tuple(PUT, UNICODE, text))
  }
  const codes = (await assertReceive(probe, [any, any])) as string[]
  t.match(codes[0], /refused: :full/)
  t.match(codes[1], /has ended: :normal/)
  await t.rejects(
    import('../../../src/runtime/index.ts').then(({ io }) => io.puts('nobody has called this')),
    { code: 'ERR_RUNTIME_IO' },
  )
})

test('output is written while somebody waits for input, and readers have their turns', async (t) => {
  const cluster = new TestCluster()
  t.teardown(() => cluster.stop())
  const written: string[] = []
  const lines: ((line: string) => void)[] = []
  const device = {
    write: (text: string): void => void written.push(text),
    readLine: () => new Promise<string>((resolve) => lines.push(resolve)),
  }
  const a = await cluster.add('a', { io: device })
  const read: string[] = []
  for (const who of ['first', 'second']) {
    a.spawn(async (self) => void read.push(`${who} ${await self.io.gets('> ')}`))
    await cluster.settle()
  }
  a.spawn(async (self) => self.io.write('meanwhile'))
  await cluster.until(() => written.length === 1)
  t.equal(lines.length, 1, 'one reads at a time')
  lines[0]?.('1\n')
  await cluster.until(() => lines.length === 2)
  lines[1]?.('2\n')
  await cluster.until(() => read.length === 2)
  t.same(read, ['first 1\n', 'second 2\n'])
})

test('so many wait for input at most', async (t) => {
  const cluster = new TestCluster()
  t.teardown(() => cluster.stop())
  const a = await cluster.add('a', { io: { write: () => {}, readLine: () => new Promise<string>(() => {}) } })
  const got: Term[] = []
  a.spawn(async (self) => {
    const request = tuple(atom('get_line'), UNICODE, '')
    for (let i = 0; i <= 1000; i++) self.send('user', tuple(atom('io_request'), self.pid, i, request))
    got.push(await self.receive())
  })
  await cluster.until(() => got.length === 1)
  t.equal(inspect(got[0] as Term), '{:io_reply, 1000, {:error, :system_limit}}')
})
