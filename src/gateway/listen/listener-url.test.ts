import { expect, it } from "vitest"
import { formatListenerUrl } from "./listener-url.ts"

it.each([
  ["127.0.0.1", "127.0.0.1", "http://127.0.0.1:80"],
  ["localhost", "127.0.0.1", "http://localhost:80"],
  ["agent.LOCALHOST", "::1", "http://agent.LOCALHOST:80"],
  ["::ffff:127.0.0.1", "::ffff:127.0.0.1", "http://[::ffff:127.0.0.1]:80"],
  ["laptop", "127.0.1.1", "http://127.0.1.1:80"],
  ["laptop.example", "::1", "http://[::1]:80"],
  ["gateway.example", "192.0.2.7", "http://gateway.example:80"],
  ["0.0.0.0", "0.0.0.0", "http://0.0.0.0:80"],
  ["", "0.0.0.0", "http://0.0.0.0:80"],
])("of host %j at %s is %s", (host, address, url) => {
  expect(formatListenerUrl({ host, address, port: 80 })).toBe(url)
})
