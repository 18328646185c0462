import type { LiveEntry } from "../../core/log/entries.ts"
import { type Frame, foldSubAgent } from "../../http/streams/wire.ts"
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
    if (isProgress(batch)) {
      yield [null, [wire.taskProgress(batch.progress)]]
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
      ofSubAgent = wire.start(subAgent.afterSeq)
      yield [null, [wire.subAgentStart(subAgent)]]
    }
    let after = ofSubAgent
    for (const entry of entries) {
      const [next, frames] = foldSubAgent(wire, subAgent, after, entry)
      after = next
      yield [entry, frames]
    }
    states.set(subAgent, after)
  }
}
