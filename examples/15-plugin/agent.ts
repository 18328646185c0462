import { createAgent, type Plugin, tool } from "ai-agent-gateway"
import { z } from "zod"
import { webhooks } from "./webhooks.ts"

/** Lets each user of an agent keep private notes. The notes are lost when the process ends. */
export function notes({ most }: { readonly most: number }): Plugin {
  return {
    name: "notes",
    setup({ logger }) {
      const notesByUser = new Map<string, string[]>()
      const notesOf = ({ tenant, userId }: { readonly tenant: string; readonly userId: string }) => {
        const key = JSON.stringify([tenant, userId])
        const found = notesByUser.get(key) ?? []
        notesByUser.set(key, found)
        return found
      }
      const addNote = tool({
        name: "add_note",
        description: "Keep a short note for the user.",
        inputSchema: z.object({ text: z.string().min(1).max(200) }),
        execute({ text }, { session }) {
          const own = notesOf(session)
          if (own.length >= most)
            throw new Error(`There are ${most} notes already. Ask the user which to drop.`)
          own.push(text)
          logger.info({ userId: session.userId }, "A note was added.")
          return { notes: own.length }
        },
      })
      const offered = [addNote]
      return {
        // This function is called for each run, so its result may depend on the session.
        openRun: ({ session }) => ({
          tools: () => offered,
          instructions: session === null ? [] : [`The user has ${notesOf(session).length} notes.`],
        }),
        // GET /api/notes with a session's token.
        routes: { "GET /notes": ({ session }) => Response.json({ notes: notesOf(session) }) },
        // Listed by GET /api/ready and by `agent-gateway doctor`.
        checks: () => [{ ok: true, detail: `${notesByUser.size} users have notes` }],
        close: () => notesByUser.clear(),
      }
    },
  }
}

const { WEBHOOK_SECRET: secret } = process.env

export default createAgent("You keep notes for the user.", {
  name: "notebook",
  // Without a secret, the routes of the second plugin do not exist.
  plugins: [notes({ most: 20 }), ...(secret ? [webhooks({ secrets: [secret] })] : [])],
})
