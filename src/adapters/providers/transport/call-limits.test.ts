import { expect, test } from "vitest"
import { isSelfHosted } from "./call-limits.ts"

test.each([
  ["http://127.0.0.1:11434/v1", true],
  ["http://localhost:8080/v1", true],
  ["http://[::1]:8080/v1", true],
  ["http://[fd12::7]:8080/v1", true],
  ["http://10.1.2.3/v1", true],
  ["http://172.31.0.2/v1", true],
  ["http://192.168.1.9:1234/v1", true],
  ["http://ollama:11434/v1", true],
  ["http://host.docker.internal:11434/v1", true],
  ["https://api.openai.com/v1", false],
  ["http://172.32.0.1/v1", false],
  ["http://[2001:db8::1]/v1", false],
  ["https://localhost.example.com/v1", false],
])("%s: %s", (baseURL, expected) => {
  expect(isSelfHosted(baseURL)).toBe(expected)
})
