import { z } from "zod"

/** Long enough for a server on the same machine, however busy that is; whoever has none is refused at once. */
const longestMs = 2_000

const modelList = z.object({ data: z.array(z.object({ id: z.string().min(1) })) })

/**
 * The first model, but for those that only embed, of the server of OpenAI's Chat Completions at `baseURL` (Ollama,
 * vLLM, LM Studio …); null when nothing of that kind answers in time, or it has no model.
 */
export async function firstModelOf(baseURL: string): Promise<string | null> {
  try {
    const response = await fetch(`${baseURL}/models`, { signal: AbortSignal.timeout(longestMs) })
    const { data } = modelList.parse(await response.json())
    return data.find(({ id }) => !/embed/i.test(id))?.id ?? null
  } catch {
    // Nobody said that there is one: an address where nothing listens, or something else, is the usual case.
    return null
  }
}
