import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { Webhook } from "standardwebhooks"
import { startMailServer } from "../../../src/features/delivery/fixtures/mail-server.ts"
import { parseMail } from "../../../src/features/delivery/fixtures/parse-mail.ts"

export type ChannelName = "webhook" | "telegram" | "slack" | "email"

export interface Receivers {
  readonly httpUrl: string
  readonly smtpUrl: string
  /** Runs whose end each channel received, with one item for each delivery. */
  readonly received: Readonly<Record<ChannelName, readonly string[]>>
  /** Ids of webhooks, with one item for each delivery. */
  readonly webhookIds: readonly string[]
  /** Webhooks with an invalid signature. */
  readonly unsigned: readonly string[]
  close(): Promise<void>
}

/** Called when a channel has received a message: before the acknowledgment, and after it. */
export type OnReceived = (channel: ChannelName, moment: "before" | "after") => void

/** Starts real servers for all channels. `standardwebhooks` verifies the signatures of webhooks. */
export async function startReceivers(secret: string, onReceived: OnReceived): Promise<Receivers> {
  const received = { webhook: [], telegram: [], slack: [], email: [] } as Record<ChannelName, string[]>
  const webhookIds: string[] = []
  const unsigned: string[] = []
  const verifier = new Webhook(secret)
  const runOf = (content: string) => /run_\w+/.exec(content)?.[0] ?? content
  const answer = (channel: ChannelName, response: ServerResponse, body: string) => {
    onReceived(channel, "before")
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(body, () => onReceived(channel, "after"))
  }
  const server = createServer(async (request, response) => {
    const body = await text(request).catch(() => null)
    // The sender died during the request, so nothing was received.
    if (body === null) return
    if (request.url === "/webhook") {
      const id = String(request.headers["webhook-id"])
      webhookIds.push(id)
      try {
        const { data } = verifier.verify(body, request.headers as Record<string, string>) as {
          readonly data: { readonly run_id: string }
        }
        received.webhook.push(data.run_id)
      } catch {
        // A webhook that cannot be verified is a violation.
        unsigned.push(id)
      }
      return answer("webhook", response, "")
    }
    const channel = request.url === "/slack" ? "slack" : "telegram"
    received[channel].push(runOf(body))
    answer(channel, response, channel === "slack" ? "ok" : '{"ok":true}')
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const mail = await startMailServer({
    onReceived({ content }) {
      received.email.push(runOf(parseMail(content).text))
      onReceived("email", "before")
    },
  })
  return {
    httpUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    smtpUrl: mail.url,
    received,
    webhookIds,
    unsigned,
    async close() {
      server.closeAllConnections()
      server.close()
      await mail.close()
    },
  }
}
