/**
 * Bytes of the external term format, spelled as in the specification (protocol.md 5.1; `erl_ext_dist` of OTP).
 */

/** First byte of a stand-alone term. */
export const VERSION_MAGIC = 131

export const RECORD_EXT = 67
export const NEW_FLOAT_EXT = 70
export const BIT_BINARY_EXT = 77
/** Only directly after VERSION_MAGIC; never inside distribution messages. */
export const COMPRESSED = 80
/** Only in distribution frames: an index into the atom references of the frame. */
export const ATOM_CACHE_REF = 82
export const NEW_PID_EXT = 88
/** Decoded only; OTP 25 still emits it. */
export const NEW_PORT_EXT = 89
export const NEWER_REFERENCE_EXT = 90
export const SMALL_INTEGER_EXT = 97
export const INTEGER_EXT = 98
/** Decoded only: decimal text. */
export const FLOAT_EXT = 99
/** Decoded only, Latin-1; OTP 25 and older emit it. */
export const ATOM_EXT = 100
/** Decoded only. */
export const REFERENCE_EXT = 101
/** Decoded only. */
export const PORT_EXT = 102
/** Decoded only. */
export const PID_EXT = 103
export const SMALL_TUPLE_EXT = 104
export const LARGE_TUPLE_EXT = 105
export const NIL_EXT = 106
export const STRING_EXT = 107
export const LIST_EXT = 108
export const BINARY_EXT = 109
export const SMALL_BIG_EXT = 110
export const LARGE_BIG_EXT = 111
export const NEW_FUN_EXT = 112
export const EXPORT_EXT = 113
/** Decoded only. */
export const NEW_REFERENCE_EXT = 114
/** Decoded only, Latin-1. */
export const SMALL_ATOM_EXT = 115
export const MAP_EXT = 116
/** Gone since OTP 23; refused. */
export const FUN_EXT = 117
export const ATOM_UTF8_EXT = 118
export const SMALL_ATOM_UTF8_EXT = 119
export const V4_PORT_EXT = 120
/** Means something only to the virtual machine that made it; refused. */
export const LOCAL_EXT = 121

/** A reference has one to five words of 32 bits. */
export const MAX_REFERENCE_WORDS = 5
/** The most elements of a tuple. */
export const MAX_TUPLE_ARITY = 0xffffff
/** Integers beyond this many bytes of magnitude are refused; the BEAM itself ends at about half of it. */
export const MAX_INTEGER_BYTES = 0x800000
