import { calls } from "../support/model.ts"
import { chat, done, type Scenario } from "./scenario.ts"

/** Scenarios about tool calls. */
export const toolScenarios = {
  parallel: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [
            { name: "charge" },
            { name: "reserve" },
            { name: "look_up", input: { warn: true } },
            { name: "charge", input: { ms: 60 } },
          ]),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  serial: {
    model: (call) => {
      const name = ["charge", "reserve", "charge"][call.turn]
      return name === undefined ? done : calls(call, [{ name, input: { ms: 30 } }])
    },
    runs: 1,
    ending: "completed",
    play: chat,
  },
  sleep: {
    model: (call) => (call.turn > 0 ? done : calls(call, [{ name: "nap", input: { ms: 200 } }])),
    runs: 1,
    ending: "completed",
    play: chat,
  },
} satisfies Readonly<Record<string, Scenario>>
