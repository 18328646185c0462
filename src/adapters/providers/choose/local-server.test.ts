import { expect, it, onTestFinished } from "vitest"
import { startLocalServer } from "./fixtures/local-server.ts"
import { findFirstModel } from "./local-server.ts"

it.each([
  [
    "the first model that can talk",
    '{"object":"list","data":[{"id":"nomic-embed-text"},{"id":"llama4"},{"id":"qwen4"}]}',
    "llama4",
  ],
  ["none of a server without models", '{"object":"list","data":[]}', null],
  ["none of a server of another kind", "<html>Hello</html>", null],
  ["none of a server that does not answer in time", null, null],
])("finds %s", async (_, models, found) => {
  const server = await startLocalServer(models)
  onTestFinished(() => server.close())
  await expect.poll(() => findFirstModel(server.url)).toBe(found)
})

it("waits for a busy server", async () => {
  const server = await startLocalServer('{"data":[{"id":"llama4"}]}', { afterMs: 500 })
  onTestFinished(() => server.close())
  await expect.poll(() => findFirstModel(server.url)).toBe("llama4")
})

it("finds none if no server listens", async () => {
  expect(await findFirstModel("http://127.0.0.1:1/v1")).toBeNull()
})
