import { chmod } from "node:fs/promises"
import { delimiter } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { removeTree } from "../../src/features/sandbox/workspace/remove-tree.ts"
import { createAgent } from "../../src/index.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { requires } from "../needs.ts"
import { installPythonPackages } from "../python-environment.ts"
import { sandboxDirectory, silent } from "./support/open.ts"

const requirements = fileURLToPath(new URL("matplotlib-requirements.txt", import.meta.url))
/** The sessions' users cannot run a Python that a user of this machine has installed for itself. */
const systemPython = "/usr/bin/python3"

test("the plots that the matplotlib of a virtual environment on PATH shows are images of the result", {
  timeout: 600_000,
}, async ({ skip }) => {
  await requires("linux")
  const folder = await temporaryFolder()
  await chmod(folder, 0o755)
  const programs = await installPythonPackages(folder, requirements, systemPython)
  if (programs === null) return skip("This needs /usr/bin/python3 with venv (Debian: python3-venv).")
  const directory = await sandboxDirectory()
  const gateway = createAgent("You plot.", {
    provider: "demo",
    store: "memory",
    logger: silent,
    codeExecution: { backends: ["subprocess"], directory },
  })
  onTestFinished(async () => {
    await gateway.close({ graceMs: 0 })
    await removeTree(directory)
  })
  await gateway.prepare({ env: { PATH: `${programs}${delimiter}${process.env.PATH}` } })
  const results: unknown[] = []
  const code = `
import matplotlib.pyplot as plt
plt.plot([1, 2, 3])
plt.figure()
plt.bar(["a", "b"], [3, 5])
plt.show()
plt.plot([3, 2, 1])
plt.savefig("own.svg")
plt.show()`
  await gateway.run(`/tool code_execute ${JSON.stringify({ code, host: "auto" })}`, {
    onApproval: () => ({ approved: true }),
    onEvent: (event) => event.type === "tool_call_complete" && results.push(event.result ?? event.error),
  })
  const [result] = results as readonly { readonly content: readonly { readonly text?: string }[] }[]
  const [report, ...images] = result?.content ?? []
  const names = ["_plot_1.png", "_plot_2.png", "_plot_3.png"]
  expect(JSON.parse(report?.text ?? "")).toMatchObject({
    stdout: "",
    stderr: "",
    images: names.map((path) => ({ path, media_type: "image/png" })),
    images_omitted: { count: 1, images: [{ path: "own.svg", reason: expect.stringContaining("SVG") }] },
    files: [...names, "own.svg"].map((path) => ({ path })),
  })
  expect(images).toHaveLength(3)
})
