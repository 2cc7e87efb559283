/**
 * What happens in DistributedSupervisors as metrics of OpenTelemetry. Published as `beamjoin/telemetry`. Needs no package: a
 * `Meter` of `@opentelemetry/api` has what is used of it, and whoever has none pays nothing.
 *
 * | instrument | kind | attributes |
 * |---|---|---|
 * | `beamjoin.supervisor.children` | counter, `{child}` | `supervisor`, `action`: started, restarted, moved, failed |
 * | `beamjoin.supervisor.lookups` | counter, `{lookup}` | `supervisor`, `found` |
 * | `beamjoin.supervisor.call.duration` | histogram, `ms` | `supervisor`, `outcome`: ok, noproc, timeout, nodedown, exit |
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  CHANNELS,
  type DistributedCallEvent,
  type DistributedChildEvent,
  type DistributedLookupEvent,
} from '../core/diagnostics.ts'

export type MetricAttributes = Record<string, string | boolean>

/** The part of a `Meter` of `@opentelemetry/api` that is used. */
export interface MetricsMeter {
  createCounter(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { add(value: number, attributes?: MetricAttributes): void }
  createHistogram(
    name: string,
    options: { readonly description: string; readonly unit: string },
  ): { record(value: number, attributes?: MetricAttributes): void }
}

/**
 * Counts and measures what the DistributedSupervisors of this program do, until the function that it returns is called.
 *
 * @param meter `metrics.getMeter('beamjoin')` of `@opentelemetry/api`
 */
export function supervisorMetrics(meter: MetricsMeter): () => void {
  const children = meter.createCounter('beamjoin.supervisor.children', {
    description: 'Children that were started, restarted, moved to another node or given up',
    unit: '{child}',
  })
  const lookups = meter.createCounter('beamjoin.supervisor.lookups', {
    description: 'Names of children that were looked up',
    unit: '{lookup}',
  })
  const calls = meter.createHistogram('beamjoin.supervisor.call.duration', {
    description: 'Time from a call of a child by its name to its end',
    unit: 'ms',
  })
  const listeners: readonly (readonly [string, (event: unknown) => void])[] = [
    [
      CHANNELS.distributedChild,
      (event) => {
        const { supervisor, action } = event as DistributedChildEvent
        children.add(1, { supervisor: String(supervisor), action })
      },
    ],
    [
      CHANNELS.distributedLookup,
      (event) => {
        const { supervisor, found } = event as DistributedLookupEvent
        lookups.add(1, { supervisor: String(supervisor), found })
      },
    ],
    [
      CHANNELS.distributedCall,
      (event) => {
        const { supervisor, outcome, duration } = event as DistributedCallEvent
        calls.record(duration, { supervisor: String(supervisor), outcome })
      },
    ],
  ]
  for (const [channel, listener] of listeners) subscribe(channel, listener)
  return () => {
    for (const [channel, listener] of listeners) unsubscribe(channel, listener)
  }
}
