import { calls, type ModelCall, prompt, type Script, says } from "../support/model.ts"
import { chat, done, pay, type Scenario } from "./scenario.ts"

const collectAll = { name: "get_background_result", input: { task_id: "*", wait: true, timeout: 120 } }

/** Scenarios with sub-agents. */
export const childScenarios = {
  /** Three sub-agents work at the same time, and one of them has its own sub-agent. */
  children: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [
            delegate(call, "childWork", "a"),
            delegate(call, "childLead", "b"),
            delegate(call, "childWork", "c"),
          ]),
    runs: 1,
    ending: "completed",
    play: chat,
  },
  cancelChildren: {
    model: (call) =>
      call.turn > 0
        ? done
        : calls(call, [delegate(call, "childTalk", "a"), delegate(call, "childLeadTalk", "b")]),
    runs: 1,
    ending: "cancelled",
    async play(client, message) {
      const { runId } = await client.chat({ message })
      await client.waitsForChildren(2)
      await client.cancel(runId)
    },
  },
  /** Two sub-agents work in the background, and the session collects their results. */
  tasks: {
    model: (call) => {
      if (call.turn === 0) return calls(call, [startTask(call, "a"), startTask(call, "b")])
      return call.turn === 1 ? calls(call, [collectAll]) : done
    },
    runs: 1,
    ending: "completed",
    play: chat,
  },
  /**
   * Two sub-agents work one after the other. Only the call of the first one needs an approval, because a grant covers
   * the second one.
   */
  treeGrant: {
    model: (call) => {
      const name = ["a", "b"][call.turn]
      return name === undefined ? done : calls(call, [delegate(call, "childPay", name)])
    },
    runs: 1,
    ending: "completed",
    async play(client, message) {
      await client.chat({ message })
      const granted = { approved: true, allow_tool_type: true, scope: "tree" }
      await client.decide(await client.pendingApproval(), granted)
    },
  },
} satisfies Readonly<Record<string, Scenario>>

/** Scripts of the scenarios' sub-agents. */
export const subAgentScripts: Readonly<Record<string, Script>> = {
  childWork: (call) => (call.turn > 0 ? says(10) : calls(call, [{ name: "reserve", input: { ms: 30 } }])),
  childLead: (call) => (call.turn > 0 ? says(3) : calls(call, [delegate(call, "childWork", "x")])),
  childPay: (call) => (call.turn > 0 ? says(3) : calls(call, [pay(7)])),
  childTalk: () => says(120, 100),
  childLeadTalk: (call) => (call.turn > 0 ? says(3) : calls(call, [delegate(call, "childTalk", "x")])),
}

/** Returns a call with which a sub-agent plays the script. */
function delegate({ tag }: ModelCall, script: string, name: string) {
  return { name: "delegate", input: { script, tag: `${tag}-${name}` } }
}

/** Returns a call with which a sub-agent plays a script in the background. */
function startTask({ tag }: ModelCall, name: string) {
  return { name: "run_agent", input: { task: prompt("childWork", `${tag}-${name}`), background: true } }
}
