import Anthropic from "@anthropic-ai/sdk"
import { Agent, request } from "node:http"
import { jwtVerify, SignJWT } from "jose"
import { createHmac, webcrypto } from "node:crypto"
import { startUpstream } from "./measure/processes.ts"
import { scriptText } from "./script.ts"
const up = await startUpstream()
const client = new Anthropic({ apiKey: "bench", baseURL: up.url, maxRetries: 0 })
const body = { model: "m", max_tokens: 100, stream: true as const, messages: [{ role: "user" as const, content: scriptText({ tokens: 2, perWrite: 1, pauseMs: 0, hold: false }) }] }
const json = JSON.stringify(body)
async function first(b: ReadableStream<Uint8Array>) { const r = b.getReader(); await r.read(); const t = performance.now(); for (;;) { const { done } = await r.read(); if (done) break } return t }
const agent = new Agent({ keepAlive: true })
const ways: Record<string, () => Promise<number>> = {
  async sdk() { const ac = new AbortController(); const b = performance.now(); const r = await client.messages.create(body, { signal: ac.signal }).asResponse(); return (await first(r.body!)) - b },
  async fetch() { const ac = new AbortController(); const b = performance.now(); const r = await fetch(up.url + "/v1/messages", { method: "POST", body: json, signal: ac.signal, headers: { "content-type": "application/json", "x-api-key": "b" } }); return (await first(r.body!)) - b },
  http() { return new Promise((resolve, reject) => { const b = performance.now(); const q = request(up.url + "/v1/messages", { method: "POST", agent, headers: { "content-type": "application/json", "content-length": Buffer.byteLength(json) } }, (res) => { let t = 0; res.on("data", () => { t ||= performance.now() }); res.on("end", () => resolve(t - b)) }); q.on("error", reject); q.end(json) }) },
}
const med = (a: number[]) => a.sort((x, y) => x - y)[a.length >> 1]!
for (const n of Object.keys(ways)) for (let i = 0; i < 500; i++) await ways[n]!()
for (let round = 0; round < 3; round++) for (const n of Object.keys(ways)) { const a: number[] = []; const c = process.cpuUsage(); for (let i = 0; i < 300; i++) { a.push(await ways[n]!()); await new Promise(r => setTimeout(r, 2)) } const u = process.cpuUsage(c); console.log(n, med(a).toFixed(3), "cpu/call", ((u.user + u.system) / 300000).toFixed(3)) }
const secret = crypto.getRandomValues(new Uint8Array(32))
const tok = await new SignJWT({ tenant: "a", user_id: "b" }).setProtectedHeader({ alg: "HS256", typ: "x" }).setIssuedAt().setExpirationTime("1h").setSubject("s").sign(secret)
const ck = await webcrypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["verify"])
for (const [n, k] of [["bytes", secret], ["cryptokey", ck]] as const) { for (let r = 0; r < 3; r++) { const a: number[] = []; for (let i = 0; i < 300; i++) { const b = performance.now(); await jwtVerify(tok, async () => k, { algorithms: ["HS256"], typ: "x" }); a.push(performance.now() - b); await new Promise(r => setTimeout(r, 1)) } console.log("jose", n, med(a).toFixed(3)) } }
{ const a: number[] = []; for (let i = 0; i < 300; i++) { const b = performance.now(); createHmac("sha256", secret).update(tok).digest(); a.push(performance.now() - b) } console.log("hmac", med(a).toFixed(3)) }
await up.stop(); agent.destroy()
