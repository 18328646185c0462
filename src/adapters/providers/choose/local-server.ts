import { z } from "zod"

/**
 * Maximum milliseconds to wait: long enough for a busy server on the same machine. If there is no server, the
 * connection is refused at once.
 */
const longestMs = 2_000

const modelList = z.object({ data: z.array(z.object({ id: z.string().min(1) })) })

/**
 * Resolves to the first model of the OpenAI-compatible server at `baseURL` (Ollama, vLLM, LM Studio …), without
 * models for embeddings. Null if no such server responds in time, or if it has no model.
 */
export async function findFirstModel(baseURL: string): Promise<string | null> {
  try {
    const response = await fetch(`${baseURL}/models`, { signal: AbortSignal.timeout(longestMs) })
    const { data } = modelList.parse(await response.json())
    return data.find(({ id }) => !/embed/i.test(id))?.id ?? null
  } catch {
    // The server is optional, so usually nothing, or another service, listens at this address.
    return null
  }
}
