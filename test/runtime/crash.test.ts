import { test } from 'tap'
import { atom, inspect, type Tuple, tuple } from '../../src/etf/index.ts'
import { describeExit, ExitError, exitReason } from '../../src/runtime/index.ts'

class Thrower {
  fail(): never {
    throw new TypeError('no good')
  }
}

function reasonOf(run: () => unknown) {
  try {
    run()
  } catch (error) {
    return exitReason(error)
  }
  throw new Error('it did not throw')
}

test('a log line of an exception has its message and where it was thrown, not the stack', async (t) => {
  const line = describeExit(reasonOf(() => new Thrower().fail()))
  t.match(line, /^TypeError: no good, at Thrower\.fail \(test\/runtime\/crash\.test\.ts:\d+\)$/)
})

test('a log line of any other reason is the term', async (t) => {
  t.equal(describeExit(atom('shutdown')), ':shutdown')
  t.equal(describeExit(tuple(atom('shutdown'), 'why')), '{:shutdown, "why"}')
  t.equal(describeExit(tuple(tuple(atom('bad_call'), 1), [])), '{{:bad_call, 1}, []}')
  t.equal(
    describeExit(
      reasonOf(() => {
        throw new ExitError(5)
      }),
    ),
    '5',
  )
})

test('the stack has our frames and none of those inside Node', async (t) => {
  const [, stack] = reasonOf(() => new Thrower().fail()) as Tuple
  t.match(inspect(stack as never), /Thrower, :fail/)
  t.notMatch(inspect(stack as never), /node:/)
})
