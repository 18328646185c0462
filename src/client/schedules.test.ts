import { expect, it } from "vitest"
import { connect } from "./index.ts"

const problem = (status: number, code: string) =>
  new Response(JSON.stringify({ status, code, detail: "No." }), {
    status,
    headers: { "content-type": "application/problem+json" },
  })

/** Returns a chat whose requests are recorded as `METHOD PATH`, and get these responses, one each. */
function chatWith(...responses: readonly Response[]) {
  const requests: string[] = []
  const left = [...responses]
  const chat = connect({
    url: "http://gateway/api",
    token: async () => "token",
    retryDelayMs: 1,
    async fetch(input, init) {
      requests.push(`${init?.method} ${String(input).replace("http://gateway/api", "")}`)
      return left.shift() ?? problem(500, "no_response_left")
    },
  })
  return { chat, requests }
}

it("lists, shows, makes and changes schedules", async () => {
  const schedule = { id: "sched_1", name: "weekly" }
  const { chat, requests } = chatWith(
    Response.json({ schedules: [schedule] }),
    Response.json({ ...schedule, history: [] }),
    Response.json(schedule, { status: 201 }),
    Response.json(schedule),
    Response.json({ run_id: "run_1" }, { status: 202 }),
    new Response(null, { status: 204 }),
  )
  expect(await chat.schedules()).toEqual([schedule])
  expect(await chat.schedule("sched_1")).toEqual({ ...schedule, history: [] })
  expect(await chat.createSchedule({ name: "weekly", every: "7d", message: "Sum up." })).toEqual(schedule)
  for (const action of ["pause", "run", "remove"] as const) await chat.changeSchedule("sched_1", action)
  expect(requests).toEqual([
    ...["GET /schedules", "GET /schedules/sched_1", "POST /schedules", "POST /schedules/sched_1/pause"],
    ...["POST /schedules/sched_1/run", "DELETE /schedules/sched_1"],
  ])
})

it("takes a removal for done if the response to it was lost", async () => {
  const { chat } = chatWith(problem(503, "overloaded"), problem(404, "schedule_not_found"))
  await chat.changeSchedule("sched_1", "remove")
  const { chat: other } = chatWith(problem(404, "schedule_not_found"))
  await expect(other.changeSchedule("sched_none", "remove")).rejects.toThrow("No.")
})
