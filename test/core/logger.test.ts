import { test } from 'tap'
import { lineLogger } from '../../src/core/index.ts'

test('text of a peer can neither begin a line of its own nor steer the terminal', (t) => {
  const lines: string[] = []
  const logger = lineLogger((line) => lines.push(line))
  logger.warn({ name: 'a\nbeamjoin error: fake', error: new Error('x\r\u001b[2J') }, 'gone\u2028away')
  t.same(lines, [
    'beamjoin warning: gone\\u2028away name=a\\nbeamjoin error: fake error=x\\u000d\\u001b[2J\n',
  ])
  t.end()
})
