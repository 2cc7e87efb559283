import { test } from 'tap'
import { Mailbox } from '../../src/runtime/mailbox.ts'

test('selective receive takes the first match and keeps the order of the rest', async (t) => {
  const mailbox = new Mailbox()
  for (const message of [1, 'a', 2, 'b', 3]) mailbox.push(message)
  mailbox.rescan()
  const index = mailbox.scan((message) => typeof message === 'string')
  t.equal(mailbox.removeAt(index), 'a')
  t.same([mailbox.shift(), mailbox.shift(), mailbox.shift(), mailbox.shift()], [1, 2, 'b', 3])
})

test('a waiting receive looks at every message once', async (t) => {
  const mailbox = new Mailbox()
  let looks = 0
  const never = (): boolean => {
    looks++
    return false
  }
  mailbox.push(1)
  mailbox.push(2)
  mailbox.rescan()
  t.equal(mailbox.scan(never), -1)
  mailbox.push(3)
  t.equal(mailbox.scan(never), -1)
  t.equal(looks, 3)
  mailbox.rescan()
  t.equal(mailbox.scan(never), -1)
  t.equal(looks, 6, 'the next receive looks at all of them')
})

test('take gives one message, wherever it is', async (t) => {
  const mailbox = new Mailbox()
  mailbox.push(1)
  mailbox.push(2)
  t.equal(
    mailbox.take((message) => message === 2),
    2,
  )
  t.equal(
    mailbox.take((message) => message === 2),
    undefined,
  )
  t.equal(mailbox.length, 1)
})
