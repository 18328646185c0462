import type { RefObject } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"

/** Distance from the end, in pixels, within which the view follows new content. */
const nearPx = 80

export interface StickyScroll {
  readonly frame: RefObject<HTMLDivElement | null>
  readonly content: RefObject<HTMLDivElement | null>
  /** If true, the end is kept in view. */
  readonly follows: { readonly current: boolean }
  readonly isAtEnd: boolean
  readonly toEnd: () => void
  /** With `canFollow` false, the end of the content is not the end of the list. */
  readonly onScroll: (options: { readonly canFollow: boolean }) => void
}

/** Keeps the end of a growing list in view, unless the user has scrolled up. */
export function useStickyScroll(): StickyScroll {
  const frame = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  const lastTop = useRef(0)
  const [isAtEnd, setAtEnd] = useState(true)

  const toEnd = () => {
    const { current } = frame
    if (current === null) return
    follows.current = true
    current.scrollTop = current.scrollHeight
  }
  const onScroll = ({ canFollow }: { readonly canFollow: boolean }) => {
    const { current } = frame
    if (current === null) return
    const { scrollTop, scrollHeight, clientHeight } = current
    const isNear = canFollow && scrollHeight - scrollTop - clientHeight < nearPx
    // Only the user scrolls up. Content that grows moves the end away, and the view follows it.
    if (isNear) follows.current = true
    else if (scrollTop < lastTop.current) follows.current = false
    lastTop.current = scrollTop
    setAtEnd(follows.current)
  }
  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (follows.current) toEnd()
    })
    if (content.current !== null) observer.observe(content.current)
    if (frame.current !== null) observer.observe(frame.current)
    return () => observer.disconnect()
  }, [])

  return { frame, content, follows, isAtEnd, toEnd, onScroll }
}
