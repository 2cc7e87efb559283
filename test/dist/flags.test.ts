import { test } from 'tap'
import * as flags from '../../src/dist/flags.ts'

test('the sets are the numbers that OTP sends', (t) => {
  t.equal(flags.ourFlags(), 0x6d07df7fbdn, 'a visible node, as OTP 29')
  t.equal(flags.ourFlags({ hidden: true }), 0x6d07df7fbcn, 'a hidden one')
  t.equal(flags.MANDATORY_25, 0x1070f94n, 'what OTP 25 demands')
  t.equal(flags.DFLAG_MANDATORY_25_DIGEST, 0x4000000n, 'bit 26')
  t.end()
})

test('negotiate takes what both have, with the digest expanded and without the request for a name', (t) => {
  const digestOnly = flags.DFLAG_MANDATORY_25_DIGEST | flags.DFLAG_NAME_ME | flags.DFLAG_V4_NC
  const agreed = flags.negotiate(flags.OUR_FLAGS, digestOnly)
  t.equal(agreed & flags.MANDATORY_25, flags.MANDATORY_25)
  t.equal(agreed & flags.DFLAG_NAME_ME, 0n)
  t.equal(agreed & flags.DFLAG_SPAWN, 0n)
  t.equal(agreed & flags.DFLAG_V4_NC, flags.DFLAG_V4_NC)
  t.end()
})

test('missingMandatory names what is missing', (t) => {
  t.same(flags.missingMandatory(0x0d07df7fbdn), [], 'OTP 25 and 27')
  t.same(flags.missingMandatory(flags.DFLAG_MANDATORY_25_DIGEST), ['V4_NC', 'UNLINK_ID'])
  const withoutDigest = flags.OUR_FLAGS & ~flags.DFLAG_MANDATORY_25_DIGEST
  t.same(flags.missingMandatory(withoutDigest & ~flags.DFLAG_BIG_CREATION), ['BIG_CREATION'])
  t.same(flags.missingMandatory(flags.OUR_FLAGS & ~flags.DFLAG_BIG_CREATION), [], 'the digest stands for it')
  t.equal(flags.missingMandatory(1n << 36n).length, 13, 'bit 36 is not the digest')
  t.end()
})
