import { HttpAgent } from "@ag-ui/client"
import { ChatClient, fetchServerSentEvents } from "@tanstack/ai-client"
import { DefaultChatTransport } from "ai"
import OpenAI from "openai"
import { expect, test } from "vitest"
import { createGateway } from "../../src/index.ts"
import { scriptedProvider } from "../../src/testing/index.ts"

const origin = "https://app.example"
const headers = { authorization: "Bearer token" }
/** Headers that browsers send without asking. */
const simple = ["accept"]

type Call = (url: string, send: typeof fetch) => Promise<unknown>

const clients: Record<string, Call> = {
  "the OpenAI SDK": (baseURL, fetch) =>
    new OpenAI({
      baseURL,
      apiKey: "token",
      maxRetries: 0,
      fetch,
      dangerouslyAllowBrowser: true,
    }).responses.create({
      input: "Hi",
    }),
  useChat: (api, fetch) =>
    new DefaultChatTransport({ api, headers, fetch }).sendMessages({
      ...{
        chatId: "chat",
        trigger: "submit-message",
        messageId: undefined,
        messages: [],
        abortSignal: undefined,
      },
    }),
  HttpAgent: (url, fetch) => new HttpAgent({ url, headers, fetch }).runAgent(),
  "TanStack AI": (url, fetchClient) =>
    new ChatClient({ connection: fetchServerSentEvents(url, { headers, fetchClient }) }).sendMessage("Hi"),
}

test.each(Object.entries(clients))("a page of another origin may send the headers of %s", async (_, call) => {
  const gateway = createGateway({
    ...{ store: "memory", validApiKeys: ["key"], corsOrigins: [origin] },
    agents: { helper: { systemPrompt: "You help.", provider: scriptedProvider([]) } },
  })
  const sent = new Set<string>()
  await call("http://gateway.example", async (input, init) => {
    for (const name of new Request(input, init).headers.keys()) sent.add(name)
    throw new TypeError("The page only prepares the request.")
  }).catch(() => {})
  const asked = [...sent].filter((name) => !simple.includes(name))
  const response = await gateway.fetch(
    new Request("http://gateway.example/v1/responses", {
      method: "OPTIONS",
      headers: {
        ...{ origin, "access-control-request-method": "POST" },
        "access-control-request-headers": asked.join(","),
      },
    }),
  )
  const allowed = response.headers.get("access-control-allow-headers")?.split(",") ?? []
  expect(asked).toContain("authorization")
  expect(asked.filter((name) => !allowed.includes(name))).toEqual([])
  await gateway.close()
})
