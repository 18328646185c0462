import { useLayoutEffect, useRef, useState } from "preact/hooks"
import type { StickyScroll } from "./sticky-scroll.ts"

/** Number of parts that are rendered at the end of a conversation, and by which the window moves. */
const size = 150
const step = 100
/** Maximum number of parts that are rendered at once. */
const most = 400
/** Distance from an edge of the window, in pixels, within which the window moves. */
const nearPx = 800

/** Range of the parts of a conversation that are rendered. */
export interface PartRange {
  /** The first part. Parts of earlier pages have negative numbers, so that a new page changes no number. */
  readonly from: number
  readonly to: number
}

export interface ListWindow extends PartRange {
  readonly showEarlier: () => void
  readonly onScroll: () => void
  /** Shows the end of the conversation and follows it. */
  readonly toEnd: () => void
}

/**
 * Renders only a part of a long conversation: its end, or the parts around the place to which the user has scrolled.
 * The content in view stays in place when the window moves.
 *
 * @param all All loaded parts.
 * @param loadEarlier Called when the user has reached the first one.
 */
export function useListWindow(all: PartRange, scroll: StickyScroll, loadEarlier: () => void): ListWindow {
  /** Null while the window follows the end. */
  const [moved, setMoved] = useState<PartRange | null>(null)
  const anchor = useRef<{ readonly element: Element; readonly top: number } | null>(null)
  const wantsEarlier = useRef(false)
  const shown = moved ?? endOf(all)

  const move = (range: PartRange) => {
    if (anchor.current !== null) return
    anchor.current = findAnchor(scroll.frame.current)
    setMoved(range)
  }
  const showEarlier = () => {
    if (shown.from > all.from) {
      const from = Math.max(all.from, shown.from - step)
      move({ from, to: Math.min(shown.to, from + most) })
    } else {
      wantsEarlier.current = true
      loadEarlier()
    }
  }
  const showLater = () => {
    const to = Math.min(all.to, shown.to + step)
    move({ from: Math.max(shown.from, to - most), to })
  }
  const toEnd = () => {
    setMoved(null)
    scroll.toEnd()
  }
  const onScroll = () => {
    const { current } = scroll.frame
    if (current === null) return
    const isWhole = shown.to === all.to
    scroll.onScroll({ canFollow: isWhole })
    const { scrollTop, scrollHeight, clientHeight } = current
    if (scroll.follows.current) {
      if (moved !== null) setMoved(null)
    } else if (scrollTop < nearPx) showEarlier()
    else if (!isWhole && scrollHeight - scrollTop - clientHeight < nearPx) showLater()
  }

  useLayoutEffect(() => {
    const { current } = anchor
    anchor.current = null
    if (current?.element.isConnected !== true || scroll.frame.current === null) return
    scroll.frame.current.scrollTop += current.element.getBoundingClientRect().top - current.top
  }, [moved])
  // The page that the user has asked for is there. A user who has scrolled away from it meanwhile is left in place.
  useLayoutEffect(() => {
    if (!wantsEarlier.current) return
    wantsEarlier.current = false
    if (scroll.frame.current !== null && scroll.frame.current.scrollTop < nearPx) showEarlier()
  }, [all.from])

  return { ...shown, showEarlier, onScroll, toEnd }
}

/** The start moves in steps, so that a response that grows renders only its new parts. */
function endOf({ from, to }: PartRange): PartRange {
  return { from: Math.max(from, Math.floor((to - size) / step) * step), to }
}

/** Returns the first part in view, and its place. */
function findAnchor(frame: Element | null) {
  if (frame === null) return null
  const { top } = frame.getBoundingClientRect()
  const parts = [...frame.querySelectorAll(".message > *")]
  const element = parts.find((part) => part.getBoundingClientRect().bottom > top)
  return element === undefined ? null : { element, top: element.getBoundingClientRect().top }
}
