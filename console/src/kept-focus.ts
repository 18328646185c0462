import type { RefObject } from "preact"
import { useEffect } from "preact/hooks"

/** An element that had the keyboard focus, or an ancestor of it, with its place in its parent. */
interface Place {
  readonly element: Element
  readonly index: number
}

/**
 * Keeps the keyboard focus near its place when the focused element disappears, for example the form of an answered
 * approval. Without this, the browser moves the focus to the beginning of the page.
 */
export function useKeptFocus(frame: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const root = frame.current
    if (root === null) return
    let path: readonly Place[] = []
    const remember = ({ target }: FocusEvent) => {
      path = target instanceof Element && root.contains(target) ? listPlaces(target, root) : []
    }
    const forget = ({ target }: PointerEvent) => {
      // The operator leaves the element with a click beside it.
      if (target instanceof Element && path[0]?.element.contains(target) !== true) path = []
    }
    const keep = () => {
      const [focused] = path
      if (focused === undefined || focused.element.isConnected) return
      if (document.activeElement === document.body) findNeighbor(path, root).focus()
    }
    const observer = new MutationObserver(keep)
    observer.observe(root, { childList: true, subtree: true })
    document.addEventListener("focusin", remember)
    document.addEventListener("pointerdown", forget)
    return () => {
      observer.disconnect()
      document.removeEventListener("focusin", remember)
      document.removeEventListener("pointerdown", forget)
    }
  }, [])
}

function listPlaces(target: Element, root: Element): readonly Place[] {
  const places: Place[] = []
  for (let element: Element | null = target; element !== null && element !== root; ) {
    const parent: Element | null = element.parentElement
    places.push({ element, index: [...(parent?.children ?? [])].indexOf(element) })
    element = parent
  }
  return places
}

const focusable =
  "a[href], button:not(:disabled), input:not(:disabled), select, textarea, summary, [tabindex='0']"

/** Returns the first control of what took the place, otherwise of the nearest part of the page that is left. */
function findNeighbor(path: readonly Place[], root: HTMLElement): HTMLElement {
  for (const [at, { element }] of path.entries()) {
    if (!element.isConnected) continue
    const removed = path[at - 1]
    const successor = removed === undefined ? undefined : element.children[removed.index]
    const parts = [successor ?? element.lastElementChild, element]
    for (const part of parts) {
      const found = part?.matches(focusable) === true ? part : part?.querySelector(focusable)
      if (found instanceof HTMLElement) return found
    }
  }
  return root
}
