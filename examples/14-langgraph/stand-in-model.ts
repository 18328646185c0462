import { setTimeout as sleep } from "node:timers/promises"
import type { CallbackManagerForLLMRun } from "@langchain/core/callbacks/manager"
import { BaseChatModel } from "@langchain/core/language_models/chat_models"
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages"
import { ChatGenerationChunk, type ChatResult } from "@langchain/core/outputs"

/**
 * Simulates a model, so that the example runs without a key. For "order 3 kettle" it orders, and for "count" it
 * counts.
 */
export class StandInModel extends BaseChatModel {
  override _llmType(): string {
    return "stand-in"
  }

  override _generate(): Promise<ChatResult> {
    return Promise.reject(new Error("The stand-in only streams."))
  }

  override async *_streamResponseChunks(
    messages: BaseMessage[],
    { signal }: this["ParsedCallOptions"],
    manager?: CallbackManagerForLLMRun,
  ): AsyncGenerator<ChatGenerationChunk> {
    for (const message of answerTo(messages.at(-1))) {
      await sleep(20, undefined, signal === undefined ? {} : { signal })
      const { text } = message
      const chunk = new ChatGenerationChunk({ message, text })
      yield chunk
      await manager?.handleLLMNewToken(text, undefined, undefined, undefined, undefined, { chunk })
    }
  }
}

function answerTo(last: BaseMessage | undefined): readonly AIMessageChunk[] {
  const said = last?.text ?? ""
  if (last?.type === "tool") return spoken(`The shop says: ${said}`)
  const [, pieces, product] = /order (\d+) (\w+)/i.exec(said) ?? []
  if (product !== undefined) {
    const args = JSON.stringify({ product, pieces: Number(pieces) })
    const call = {
      type: "tool_call_chunk",
      id: crypto.randomUUID(),
      name: "place_order",
      args,
      index: 0,
    } as const
    return [...spoken(`I order ${product}.`), new AIMessageChunk({ content: "", tool_call_chunks: [call] })]
  }
  if (said.includes("count")) return spoken(Array.from({ length: 500 }, (_, index) => index).join(" "))
  return spoken('I only play a model. Say "order 3 kettle".')
}

function spoken(text: string): readonly AIMessageChunk[] {
  return text.split(/(?<= )/).map((content) => new AIMessageChunk({ content }))
}
