/** What tests of code on top of this package use: nodes in memory, time turned by hand, messages waited for. */
export { FakeClock } from './fake-clock.ts'
export { any, matches } from './patterns.ts'
export { assertReceive, Probe, type ReceiveWithin, refuteReceive } from './probe.ts'
export { type AddOptions, type LoggedLine, TestCluster, type TestClusterOptions } from './test-cluster.ts'
