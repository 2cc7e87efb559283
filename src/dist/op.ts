/**
 * First element of a control tuple; names as in the specification, there with the prefix `DOP_`. Protocol: section 3.1.
 *
 * Constants of a module, not an object: where the package is built they become numbers, and a switch over them a table.
 */
export const LINK = 1
export const SEND = 2
export const EXIT = 3
/** Obsolete: OTP 25 sends it to peers without UNLINK_ID, 26 and newer close on it. */
export const UNLINK = 4
/** Dead. */
export const NODE_LINK = 5
export const REG_SEND = 6
export const GROUP_LEADER = 7
export const EXIT2 = 8
export const SEND_TT = 12
export const EXIT_TT = 13
export const REG_SEND_TT = 16
export const EXIT2_TT = 18
export const MONITOR_P = 19
export const DEMONITOR_P = 20
export const MONITOR_P_EXIT = 21
export const SEND_SENDER = 22
export const SEND_SENDER_TT = 23
export const PAYLOAD_EXIT = 24
export const PAYLOAD_EXIT_TT = 25
export const PAYLOAD_EXIT2 = 26
export const PAYLOAD_EXIT2_TT = 27
export const PAYLOAD_MONITOR_P_EXIT = 28
export const SPAWN_REQUEST = 29
export const SPAWN_REQUEST_TT = 30
export const SPAWN_REPLY = 31
export const SPAWN_REPLY_TT = 32
export const ALIAS_SEND = 33
export const ALIAS_SEND_TT = 34
export const UNLINK_ID = 35
export const UNLINK_ID_ACK = 36
export const ALTACT_SIG_SEND = 37
