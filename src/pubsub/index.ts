/**
 * Topics shared with Elixir nodes that use Phoenix.PubSub with its default adapter. Published as `beamjoin/pubsub`.
 */
export { PubSubError, type PubSubErrorCode } from './errors.ts'
export {
  type BroadcastOptions,
  type Dispatcher,
  PubSub,
  type PubSubNode,
  type PubSubOptions,
  type Subscriber,
} from './pub-sub.ts'
export { type Delivery, type Listener, Subscription } from './subscription.ts'
