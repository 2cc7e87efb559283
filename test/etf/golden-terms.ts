/** Bytes of every tag with their term, written out by hand (protocol.md 5.1), after the leading 131. */
import {
  atom,
  BitString,
  ExportFun,
  Float,
  Fun,
  ImproperList,
  Pid,
  Port,
  RecordTerm,
  Reference,
  type Term,
  TermMap,
  tuple,
} from '../../src/etf/index.ts'
import { textToHex } from './bytes.ts'

export interface GoldenTerm {
  readonly tag: string
  readonly hex: string
  readonly term: Term
  /** Whether encoding the term gives these bytes; false for forms that are only decoded. */
  readonly emitted: boolean
}

function both(tag: string, hex: string, term: Term): GoldenTerm {
  return { tag, hex, term, emitted: true }
}

function decodedOnly(tag: string, hex: string, term: Term): GoldenTerm {
  return { tag, hex, term, emitted: false }
}

const node = atom('a@b')
/** SMALL_ATOM_UTF8_EXT `a@b`. */
const NODE = '77 03 61 40 62'
const pid = new Pid(node, 0x100, 2, 0x6b03f3c0)
const PID = `58 ${NODE} 00000100 00000002 6B03F3C0`
const uniq = Uint8Array.from({ length: 16 }, (_, i) => i)
const UNIQ = '000102030405060708090A0B0C0D0E0F'
const fun = new Fun({
  arity: 2,
  uniq,
  index: 3,
  module: atom('m'),
  oldIndex: 3,
  oldUniq: 0x7654321,
  pid,
  free: [new Float(1), atom('x')],
})
const FREE = '46 3FF0000000000000 77 01 78'

export const GOLDEN_TERMS: readonly GoldenTerm[] = [
  both('SMALL_INTEGER_EXT 0', '61 00', 0),
  both('SMALL_INTEGER_EXT 255', '61 FF', 255),
  both('INTEGER_EXT 256', '62 00000100', 256),
  both('INTEGER_EXT -1', '62 FFFFFFFF', -1),
  both('INTEGER_EXT 2^31-1', '62 7FFFFFFF', 2 ** 31 - 1),
  both('INTEGER_EXT -2^31', '62 80000000', -(2 ** 31)),
  decodedOnly('INTEGER_EXT 5', '62 00000005', 5),
  both('SMALL_BIG_EXT 2^31', '6E 04 00 00000080', 2 ** 31),
  both('SMALL_BIG_EXT -2^31-1', '6E 04 01 01000080', -(2 ** 31) - 1),
  both('SMALL_BIG_EXT 2^53-1', '6E 07 00 FFFFFFFFFFFF1F', Number.MAX_SAFE_INTEGER),
  both('SMALL_BIG_EXT 2^53', '6E 07 00 00000000000020', 2n ** 53n),
  both('SMALL_BIG_EXT -2^64', '6E 09 01 000000000000000001', -(2n ** 64n)),
  both('SMALL_BIG_EXT 255 bytes', `6E FF 00 ${'00'.repeat(254)}01`, 1n << 2032n),
  decodedOnly('SMALL_BIG_EXT leading zero digits', '6E 03 01 050000', -5),
  decodedOnly('SMALL_BIG_EXT without digits', '6E 00 01', 0),
  both('LARGE_BIG_EXT 256 bytes', `6F 00000100 01 ${'00'.repeat(255)}01`, -(1n << 2040n)),
  both('NEW_FLOAT_EXT 1.5', '46 3FF8000000000000', 1.5),
  both('NEW_FLOAT_EXT 1.0', '46 3FF0000000000000', new Float(1)),
  both('NEW_FLOAT_EXT 0.0', '46 0000000000000000', new Float(0)),
  both('NEW_FLOAT_EXT -0.0', '46 8000000000000000', new Float(-0)),
  both('NEW_FLOAT_EXT 1.0e300', '46 7E37E43C8800759C', new Float(1e300)),
  decodedOnly('FLOAT_EXT', `63 ${textToHex('1.50000000000000000000e+00')}0000000000`, 1.5),
  both('SMALL_ATOM_UTF8_EXT', '77 02 6F6B', atom('ok')),
  both('SMALL_ATOM_UTF8_EXT empty', '77 00', atom('')),
  both('SMALL_ATOM_UTF8_EXT two bytes', '77 02 C3A4', atom('ä')),
  both('SMALL_ATOM_UTF8_EXT true', '77 04 74727565', true),
  both('SMALL_ATOM_UTF8_EXT false', '77 05 66616C7365', false),
  both('SMALL_ATOM_UTF8_EXT nil', '77 03 6E696C', null),
  both('SMALL_ATOM_UTF8_EXT undefined', '77 09 756E646566696E6564', atom('undefined')),
  both('ATOM_UTF8_EXT 510 bytes', `76 01FE ${'C3A4'.repeat(255)}`, atom('ä'.repeat(255))),
  decodedOnly('ATOM_UTF8_EXT short', '76 0002 6F6B', atom('ok')),
  decodedOnly('ATOM_EXT', '64 0002 6F6B', atom('ok')),
  decodedOnly('ATOM_EXT Latin-1', '64 0001 E4', atom('ä')),
  decodedOnly('SMALL_ATOM_EXT', '73 02 6F6B', atom('ok')),
  decodedOnly('SMALL_ATOM_EXT true', '73 04 74727565', true),
  both('BINARY_EXT empty', '6D 00000000', ''),
  both('BINARY_EXT text', '6D 00000003 61C3A4', 'aä'),
  both('BINARY_EXT byte order mark', '6D 00000004 EFBBBF61', '\ufeffa'),
  both('BINARY_EXT no UTF-8', '6D 00000002 61FF', Uint8Array.of(0x61, 0xff)),
  both('BINARY_EXT surrogate', '6D 00000003 EDA080', Uint8Array.of(0xed, 0xa0, 0x80)),
  both('BINARY_EXT overlong', '6D 00000002 C080', Uint8Array.of(0xc0, 0x80)),
  both('BIT_BINARY_EXT', '4D 00000002 03 FFA0', new BitString(Uint8Array.of(0xff, 0xa0), 3)),
  decodedOnly('BIT_BINARY_EXT 8 bits', '4D 00000001 08 61', 'a'),
  decodedOnly('BIT_BINARY_EXT unused bits set', '4D 00000001 03 BF', new BitString(Uint8Array.of(0xa0), 3)),
  both('NIL_EXT', '6A', []),
  both('STRING_EXT', '6B 0003 0061FF', [0, 0x61, 0xff]),
  both('LIST_EXT', '6C 00000002 62 00000100 61 01 6A', [256, 1]),
  both('LIST_EXT nested', '6C 00000001 6A 6A', [[]]),
  both('LIST_EXT improper', '6C 00000001 61 01 61 02', new ImproperList([1], 2)),
  decodedOnly('LIST_EXT with a list as tail', '6C 00000001 61 01 6C 00000001 61 02 6A', [1, 2]),
  decodedOnly('LIST_EXT with STRING_EXT as tail', '6C 00000001 61 01 6B 0002 0203', [1, 2, 3]),
  decodedOnly('LIST_EXT of nothing', '6C 00000000 61 02', 2),
  both('SMALL_TUPLE_EXT empty', '68 00', tuple() as Term),
  both('SMALL_TUPLE_EXT 1', '68 01 61 01', tuple(1) as Term),
  both('SMALL_TUPLE_EXT 2', '68 02 77 02 6F6B 61 01', tuple(atom('ok'), 1) as Term),
  both('SMALL_TUPLE_EXT 5', '68 05 6A 6A 6A 6A 6A', tuple([], [], [], [], []) as Term),
  both('LARGE_TUPLE_EXT 256', `69 00000100 ${'6A'.repeat(256)}`, tuple(...new Array(256).fill([])) as Term),
  decodedOnly('LARGE_TUPLE_EXT 1', '69 00000001 61 01', tuple(1) as Term),
  both('MAP_EXT empty', '74 00000000', new Map()),
  both('MAP_EXT', '74 00000001 77 01 61 61 01', new Map<Term, Term>([[atom('a'), 1]])),
  both(
    'MAP_EXT tuple as key',
    '74 00000001 68 01 61 01 61 02',
    new TermMap<Term, Term>([[tuple(1) as Term, 2]]),
  ),
  both('NEW_PID_EXT', PID, pid),
  decodedOnly('PID_EXT', `67 ${NODE} 00000100 00000002 03`, new Pid(node, 0x100, 2, 3)),
  both('V4_PORT_EXT', `78 ${NODE} 0000000000000005 6B03F3C0`, new Port(node, 5, 0x6b03f3c0)),
  both('V4_PORT_EXT 2^60', `78 ${NODE} 1000000000000000 00000001`, new Port(node, 2n ** 60n, 1)),
  decodedOnly('NEW_PORT_EXT', `59 ${NODE} 00000005 6B03F3C0`, new Port(node, 5, 0x6b03f3c0)),
  decodedOnly('PORT_EXT', `66 ${NODE} 00000005 02`, new Port(node, 5, 2)),
  both(
    'NEWER_REFERENCE_EXT',
    `5A 0003 ${NODE} 6B03F3C0 0001B5A8 A4E80001 2C2B761F`,
    new Reference(node, 0x6b03f3c0, [0x1b5a8, 0xa4e80001, 0x2c2b761f]),
  ),
  both(
    'NEWER_REFERENCE_EXT trailing zero',
    `5A 0002 ${NODE} 00000001 00000007 00000000`,
    new Reference(node, 1, [7, 0]),
  ),
  decodedOnly('NEW_REFERENCE_EXT', `72 0002 ${NODE} 02 00000001 00000007`, new Reference(node, 2, [1, 7])),
  decodedOnly('REFERENCE_EXT', `65 ${NODE} 00000009 02`, new Reference(node, 2, [9])),
  both(
    'NEW_FUN_EXT',
    `70 00000045 02 ${UNIQ} 00000003 00000002 77 01 6D 61 03 62 07654321 ${PID} ${FREE}`,
    fun,
  ),
  decodedOnly(
    'NEW_FUN_EXT wrong size',
    `70 00000001 02 ${UNIQ} 00000003 00000002 77 01 6D 61 03 62 07654321 ${PID} ${FREE}`,
    fun,
  ),
  both('EXPORT_EXT', '71 77 01 6D 77 01 66 61 03', new ExportFun(atom('m'), atom('f'), 3)),
  both(
    'RECORD_EXT',
    '43 00000001 01 77 01 6D 77 01 72 77 01 66 61 07',
    new RecordTerm(atom('m'), atom('r'), true, [atom('f')], [7]),
  ),
  both(
    'RECORD_EXT not exported',
    '43 00000000 00 77 01 6D 77 01 72',
    new RecordTerm(atom('m'), atom('r'), false, [], []),
  ),
]
