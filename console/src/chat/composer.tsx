import type { ImageInput } from "ai-agent-gateway/client"
import { useEffect, useId, useRef, useState } from "preact/hooks"
import { Icon } from "../ui/icons.tsx"
import type { Draft } from "./first-message.ts"
import { readImages } from "./read-images.ts"

export interface ComposerProps {
  /** Models that a message may request. Null for any model; then the composer offers none. */
  readonly models: readonly string[] | null
  /** If true, a run is open, and the user chooses whether the message waits for it, joins it or interrupts it. */
  readonly isBusy: boolean
  readonly isDisabled?: boolean
  readonly autoFocus?: boolean
  /** Text to put into the field. A new object with the same text puts it there again. */
  readonly prefill?: { readonly text: string } | null
  readonly onSend: (draft: Draft) => void
  readonly onStop?: () => void
}

/** The effect of a message on the open run. */
const effects: Readonly<Record<Draft["whenBusy"], string>> = {
  queue: "Runs after this one",
  steer: "Joins this run at its next turn",
  interrupt: "Stops this run, then runs",
}

/** The input field for the next message. Enter sends the message, and Shift+Enter starts a new line. */
export function Composer(props: ComposerProps) {
  const { models, isBusy, isDisabled = false, autoFocus = false, prefill = null, onSend, onStop } = props
  const [text, setText] = useState("")
  const [images, setImages] = useState<readonly ImageInput[]>([])
  const [model, setModel] = useState("")
  const [whenBusy, setWhenBusy] = useState<Draft["whenBusy"]>("queue")
  const [problem, setProblem] = useState<string | null>(null)
  const field = useRef<HTMLTextAreaElement>(null)
  const picker = useRef<HTMLInputElement>(null)
  const hintId = useId()

  useEffect(() => {
    if (autoFocus && matchMedia("(pointer: fine)").matches) field.current?.focus()
  }, [])
  useEffect(() => {
    if (prefill === null) return
    setText(prefill.text)
    field.current?.focus()
  }, [prefill])
  useEffect(() => {
    const { current } = field
    if (current === null) return
    current.style.height = "auto"
    current.style.height = `${current.scrollHeight}px`
  }, [text])

  const canSend = !isDisabled && (text.trim() !== "" || images.length > 0)
  const send = () => {
    if (!canSend) return
    const content = images.length === 0 ? text : [...createBlocks(text), ...images]
    onSend({ content, model: model === "" ? null : model, whenBusy })
    setText("")
    setImages([])
    field.current?.focus()
  }
  const add = async (files: readonly File[]) => {
    try {
      setProblem(null)
      setImages([...images, ...(await readImages(files, images))])
    } catch (error) {
      setProblem((error as Error).message)
    }
  }

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      {problem !== null && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
      <div class="composer-box">
        {images.length > 0 && (
          <ul class="attachments" aria-label="Images of the message">
            {images.map((image, index) => (
              <li key={index}>
                <img src={toImageUrl(image)} alt={`Attachment ${index + 1}`} />
                <button
                  type="button"
                  class="icon-button"
                  aria-label={`Remove attachment ${index + 1}`}
                  onClick={() => setImages(images.filter((_, at) => at !== index))}
                >
                  <Icon name="close" />
                </button>
              </li>
            ))}
          </ul>
        )}
        <textarea
          ref={field}
          rows={1}
          value={text}
          aria-label="Message"
          aria-describedby={hintId}
          placeholder={isBusy ? "Add to the work in progress…" : "Write a message…"}
          disabled={isDisabled}
          onInput={(event) => setText(event.currentTarget.value)}
          onPaste={(event) => {
            const files = [...(event.clipboardData?.files ?? [])]
            if (files.length > 0) void add(files)
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
            event.preventDefault()
            send()
          }}
        />
        <div class="composer-row">
          <input
            ref={picker}
            type="file"
            accept="image/png,image/jpeg,image/gif,image/webp"
            multiple
            hidden
            onChange={(event) => {
              void add([...(event.currentTarget.files ?? [])])
              event.currentTarget.value = ""
            }}
          />
          <button
            type="button"
            class="icon-button"
            aria-label="Attach images"
            disabled={isDisabled}
            onClick={() => picker.current?.click()}
          >
            <Icon name="image" />
          </button>
          {models !== null && models.length > 0 && (
            <select
              aria-label="Model"
              value={model}
              onChange={(event) => setModel(event.currentTarget.value)}
            >
              <option value="">Default model</option>
              {models.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          )}
          {isBusy && (
            <select
              aria-label="When the agent is working"
              value={whenBusy}
              onChange={(event) => setWhenBusy(event.currentTarget.value as Draft["whenBusy"])}
            >
              <option value="queue">Queue</option>
              <option value="steer">Steer</option>
              <option value="interrupt">Interrupt</option>
            </select>
          )}
          <span id={hintId} class="composer-hint">
            {isBusy ? effects[whenBusy] : <span class="key-hint">Enter sends, Shift+Enter adds a line</span>}
          </span>
          {isBusy && (
            <button type="button" class="stop" onClick={onStop}>
              <Icon name="stop" />
              Stop
            </button>
          )}
          <button type="submit" class="primary send" disabled={!canSend}>
            <Icon name="send" />
            Send
          </button>
        </div>
      </div>
    </form>
  )
}

function createBlocks(text: string) {
  return text.trim() === "" ? [] : [{ type: "text", text } as const]
}

function toImageUrl({ source }: ImageInput): string {
  return source.type === "url" ? source.url : `data:${source.media_type};base64,${source.data}`
}
