import { expect, it, onTestFinished } from "vitest"
import { joinTexts } from "../core/history/messages.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { createAgent } from "./create-agent.ts"

/** Starts a gateway that accepts any API key, whose model calls the tool that each message names. */
function openGateway() {
  const results: string[] = []
  const gateway = createAgent("You work.", {
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    allowSchedules: true,
    provider: scriptedProvider(({ messages }) => {
      const last = messages.at(-1)
      if (last?.role === "tool") {
        results.push(JSON.stringify(last))
        return [{ type: "text", text: "Done." }]
      }
      const said = last?.role === "user" ? joinTexts(last.content) : ""
      const [, name = "", input = ""] = /^(\w+) (.*)$/.exec(said) ?? []
      return [{ type: "toolCall", name, input: JSON.parse(input) }]
    }),
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, results }
}

it("an agent sees only the schedules of its own session, because anyone can claim to be their user", async () => {
  const { gateway, results } = openGateway()
  const ada = { userId: "ada" }
  const schedule = 'schedule_message {"name":"secret","message":"Buy the ring.","in":"2d"}'
  const { sessionId } = await gateway.run(schedule, ada)
  await gateway.run("list_scheduled_messages {}", ada)
  expect(results[1]).not.toContain("Buy the ring.")
  await gateway.run('cancel_scheduled_message {"name":"secret"}', ada)
  expect(results[2]).toContain("schedule_not_found")
  expect(await gateway.schedules.list()).toHaveLength(1)
  await gateway.run("list_scheduled_messages {}", { ...ada, sessionId })
  expect(results[3]).toContain("Buy the ring.")
})

it("the routes of schedules refuse every client", async () => {
  const { gateway } = openGateway()
  const init = await gateway.fetch(
    new Request("http://localhost/api/chat/init", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"api_key":"any","user_id":"ada"}',
    }),
  )
  const { session_token } = (await init.json()) as { readonly session_token: string }
  const headers = { authorization: `Bearer ${session_token}` }
  for (const [method, path] of [
    ["GET", "/schedules"],
    ["POST", "/schedules"],
    ["GET", "/schedules/x"],
    ["POST", "/schedules/x/run"],
    ["DELETE", "/schedules/x"],
  ] as const) {
    const response = await gateway.fetch(new Request(`http://localhost/api${path}`, { method, headers }))
    expect([response.status, await response.json()]).toMatchObject([403, { code: "users_unknown" }])
  }
})
