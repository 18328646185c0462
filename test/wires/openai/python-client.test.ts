import { execFile } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { scriptedProvider } from "../../../src/testing/index.ts"
import { temporaryFolder } from "../../end-to-end/support/temporary-folder.ts"
import { installPythonPackages } from "../../python-environment.ts"
import { call, createPay, reply } from "../support/scripted-turns.ts"
import { key, startGateway } from "./support/gateway.ts"

const run = promisify(execFile)
const pathOf = (name: string) => fileURLToPath(new URL(`python/${name}`, import.meta.url))

const greeting = [...reply("Hello "), ...reply("there.")]

/** Follows the user's last message, and answers with the result of a tool. */
const provider = () =>
  scriptedProvider(({ messages }) => {
    const last = JSON.stringify(messages.at(-1))
    if (messages.at(-1)?.role === "tool") return reply(last.includes("Rome") ? "In Rome." : "Paid.")
    if (last.includes("Pay")) return [call("pay", { sum: 5 })]
    if (last.includes("Locate")) return [call("locate")]
    if (last.includes("Form")) return reply('{"city":"Rome"}')
    return last.includes("Again") ? reply(`${messages.length} messages`) : greeting
  })

test("the openai package of Python uses the gateway", async ({ skip }) => {
  const programs = await installPythonPackages(await temporaryFolder(), pathOf("requirements.txt"))
  if (programs === null)
    return skip("The Python client was not tested: that needs python3 with venv (Debian: python3-venv).")
  const { pay, paid } = createPay()
  const { url } = await startGateway({ provider: provider(), tools: [pay] })
  const { stdout } = await run(join(programs, "python"), [pathOf("client.py"), url, key])
  expect(JSON.parse(stdout)).toEqual({
    streamed: "Hello there.",
    final: ["Hello there.", "chat-1", true],
    conversation: "3 messages",
    continued: "Hello there.",
    ordered: true,
    approved: "Paid.",
    function: "In Rome.",
    parsed: "Rome",
    completion: ["Hello there.", true],
    missing: "not_found",
  })
  expect(paid).toEqual([{ sum: 5 }])
})
