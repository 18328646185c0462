import { execFile } from "node:child_process"
import { copyFile, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { Cron } from "croner"
import { expect, test } from "vitest"
import { parse } from "yaml"
import { parseRunArguments } from "../../src/cli/commands/headless/run-arguments.ts"
import { requirePrograms } from "../debian-packages.ts"
import { requires } from "../needs.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const folder = fileURLToPath(new URL("../../examples/10-daily-briefing/deploy", import.meta.url))
const run = promisify(execFile)
const read = (name: string) => readFile(join(folder, name), "utf8")

/** Returns the arguments of `agent-gateway run` in a shell command. */
function argumentsIn(line: string): string[] {
  const [, rest = ""] = /agent-gateway run (.*?)'?$/.exec(line) ?? []
  return [...rest.matchAll(/"((?:[^"])*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")
}

/** Returns the first block of this language in the page on deployment. */
async function documentedBlock(language: string): Promise<string> {
  const page = await readFile(new URL("../../docs/deployment.md", import.meta.url), "utf8")
  return new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s").exec(page)?.[1] ?? ""
}

test("the documented Dockerfile is that of a new project", async () => {
  const template = await readFile(new URL("../../templates/common/Dockerfile", import.meta.url), "utf8")
  const commands = (text: string) => text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  expect(commands(await documentedBlock("dockerfile"))).toEqual(commands(template))
})

test("systemd accepts the documented service", async () => {
  await requires("linux")
  await requirePrograms("systemd-analyze")
  const unit = join(await temporaryFolder(), "documented-agent.service")
  const text = await documentedBlock("ini")
  expect(text).toContain("ExecStart=/srv/agent/node_modules/.bin/agent-gateway start")
  // The program must exist.
  await writeFile(unit, text.replace("/srv/agent/node_modules/.bin/agent-gateway", process.execPath))
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", unit])
  expect(`${stdout}${stderr}`.split("\n").filter((line) => line.includes("documented-agent"))).toEqual([])
})

test("systemd accepts the service and its timer", async () => {
  await requires("linux")
  await requirePrograms("systemd-analyze")
  const units = await temporaryFolder()
  for (const unit of ["briefing.service", "briefing.timer"])
    await copyFile(join(folder, unit), join(units, unit))
  const paths = ["briefing.service", "briefing.timer"].map((unit) => join(units, unit))
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", ...paths])
  // The program also reports problems of units that are installed on this machine.
  expect(`${stdout}${stderr}`.split("\n").filter((line) => line.includes("briefing"))).toEqual([])
  const calendar = /^OnCalendar=(.*)$/m.exec(await read("briefing.timer"))?.[1] ?? ""
  await run("systemd-analyze", ["calendar", calendar])
})

test("the command of the service is valid", async () => {
  const line =
    (await read("briefing.service")).split("\n").find((each) => each.startsWith("ExecStart=")) ?? ""
  expect(parseRunArguments(argumentsIn(line))).toMatchObject({ file: "/srv/agent/agent.ts" })
})

test("each line of the crontab has a time, and a valid command", async () => {
  const lines = (await read("crontab")).split("\n").filter((line) => /^[\d*]/.test(line))
  expect(lines).toHaveLength(2)
  for (const line of lines) {
    const fields = line.split(/\s+/).slice(0, 5).join(" ")
    expect(new Cron(fields, { paused: true, mode: "5-part" }).nextRun()).toBeInstanceOf(Date)
    expect(line.replaceAll("\\%", "")).not.toContain("%")
    expect(parseRunArguments(argumentsIn(line))).toMatchObject({ file: "agent.ts" })
  }
})

test("the CronJob has a time, one run at once, and a valid command", async () => {
  const { apiVersion, kind, spec } = parse(await read("cronjob.yaml"))
  expect([apiVersion, kind, spec.concurrencyPolicy]).toEqual(["batch/v1", "CronJob", "Forbid"])
  const { schedule, timeZone: timezone } = spec
  expect(new Cron(schedule, { timezone, paused: true, mode: "5-part" }).nextRun()).toBeInstanceOf(Date)
  const pod = spec.jobTemplate.spec.template.spec
  const [container, ...others] = pod.containers
  expect(others).toEqual([])
  expect(pod.restartPolicy).toBe("OnFailure")
  const [action, ...args] = container.args
  expect(action).toBe("run")
  expect(parseRunArguments(args)).toMatchObject({ file: "/srv/agent/agent.ts" })
  const mounted = container.volumeMounts.map(({ name }: { name: string }) => name)
  expect(pod.volumes.map(({ name }: { name: string }) => name)).toEqual(mounted)
})
