import { tool } from "ai-agent-gateway"
import { z } from "zod"

const notes = new Map([["Milk", "Two liters"]])

const readNote = tool({
  name: "read_note",
  description: "Reads a note by its title. Without a title, lists all titles.",
  inputSchema: z.object({ title: z.string().optional() }),
  // The call has no effect, so it may be repeated after a crash.
  readOnly: true,
  execute: ({ title }) => {
    if (title === undefined) return [...notes.keys()]
    const text = notes.get(title)
    // The model receives the message of an error, and can react to it.
    if (text === undefined) throw new Error(`There is no note with the title ${title}.`)
    return text
  },
})

const writeNote = tool({
  name: "write_note",
  description: "Writes a note. A note with the same title is replaced.",
  inputSchema: z.object({ title: z.string().min(1), text: z.string() }),
  idempotent: true,
  execute: ({ title, text }) => {
    notes.set(title, text)
    return `Wrote ${title}.`
  },
})

const deleteNote = tool({
  name: "delete_note",
  description: "Deletes a note by its title.",
  inputSchema: z.object({ title: z.string() }),
  // A person must allow each call. The run waits for the decision, even across restarts.
  needsApproval: true,
  execute: ({ title }) => (notes.delete(title) ? `Deleted ${title}.` : `There is no note ${title}.`),
})

export const systemPrompt = "You keep the user's notes. Be brief."
export const tools = [readNote, writeNote, deleteNote]
