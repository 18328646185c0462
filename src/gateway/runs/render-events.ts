import type { LiveEntry } from "../../core/log/entries.ts"
import type { Frame } from "../../http/streams/wire.ts"
import {
  isOfSubAgent,
  isProgress,
  type SubAgent,
  type TreeBatch,
} from "../../kernel/sessions/tree/sub-agent.ts"
import { chooseNativeWire, type NativeWireOptions } from "../../wires/native/fold/native-wire.ts"

/**
 * Creates a function that renders batches for one consumer. It yields each entry with its frames. The start of a
 * sub-agent and the progress of a task yield frames without an entry.
 */
export function createRendering(afterSeq: number, options: NativeWireOptions) {
  const wire = chooseNativeWire(options)
  let state = wire.start(afterSeq)
  const states = new WeakMap<SubAgent, typeof state>()
  return function* (batch: TreeBatch): Generator<readonly [LiveEntry | null, readonly Frame[]]> {
    const { subAgents } = wire
    if (isProgress(batch)) {
      yield [null, subAgents?.progress(batch.progress) ?? []]
      return
    }
    if (!isOfSubAgent(batch)) {
      for (const entry of batch) {
        const [next, frames] = wire.fold(state, entry)
        state = next
        yield [entry, frames]
      }
      return
    }
    const { subAgent, entries } = batch
    let ofSubAgent = states.get(subAgent)
    if (ofSubAgent === undefined) {
      const [own, frames] = subAgents?.start(subAgent, state) ?? [state, []]
      ofSubAgent = own
      yield [null, frames]
    }
    let after = ofSubAgent
    for (const entry of entries) {
      const [next, frames] = subAgents?.fold(subAgent, after, entry) ?? [after, []]
      after = next
      yield [entry, frames]
    }
    states.set(subAgent, after)
  }
}
