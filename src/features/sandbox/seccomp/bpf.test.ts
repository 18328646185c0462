import { describe, expect, test } from "vitest"
import { createSeccompProgram } from "./bpf.ts"
import { createDockerSeccompProfile } from "./docker-profile.ts"
import { refusedCalls } from "./policy.ts"
import { listSystemCallNumbers, type Processor } from "./system-calls.ts"

const architectures = { x64: 0xc000_003e, arm64: 0xc000_00b7 }
const allow = 0x7fff_0000
const killProcess = 0x8000_0000
const errno = (number: number) => 0x5_0000 + number

/** Returns the kernel's decision on a call: runs the program as `seccomp(2)` describes. */
function decide(processor: Processor, number: number, args: readonly number[] = [], architecture?: number) {
  const program = new DataView(createSeccompProgram(processor).buffer)
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, number, true)
  data.setUint32(4, architecture ?? architectures[processor], true)
  for (const [index, value] of args.entries()) data.setUint32(16 + 8 * index, value, true)
  let accumulator = 0
  for (let at = 0; at < program.byteLength; at += 8) {
    const value = program.getUint32(at + 4, true)
    const jumpIf = (condition: boolean) => {
      at += 8 * program.getUint8(at + (condition ? 2 : 3))
    }
    switch (program.getUint16(at, true)) {
      case 0x20:
        accumulator = data.getUint32(value, true)
        break
      case 0x54:
        accumulator = (accumulator & value) >>> 0
        break
      case 0x15:
        jumpIf(accumulator === value)
        break
      case 0x25:
        jumpIf(accumulator > value)
        break
      case 0x35:
        jumpIf(accumulator >= value)
        break
      case 0x06:
        return value
      default:
        throw new Error(`unknown instruction at ${at}`)
    }
  }
  throw new Error("The program ended without an answer.")
}

describe.each(["x64", "arm64"] as const)("the filter for %s", (processor) => {
  const numbers = listSystemCallNumbers(processor)
  const numberOf = (name: string) => {
    const number = numbers.get(name)
    if (number === undefined) throw new Error(`no call ${name}`)
    return number
  }

  test("decides every known call as the policy says", () => {
    const ruled = ["socket", "socketpair", "clone", "ioctl", "setsockopt", "personality"]
    for (const [name, number] of numbers) {
      if (ruled.includes(name)) continue
      const refused = refusedCalls.get(name)
      expect(decide(processor, number), name).toBe(refused === undefined ? allow : errno(refused))
    }
  })

  test("refuses unknown calls, and other ABIs", () => {
    expect(decide(processor, 451)).toBe(errno(38))
    expect(decide(processor, 0x4000_0000 + numberOf("read"))).toBe(errno(38))
    expect(decide(processor, numberOf("read"), [], 0x4000_0003)).toBe(killProcess)
  })

  test("allows only sockets of the internet and of this machine", () => {
    const families = Array.from({ length: 46 }, (_, family) => family)
    const allowed = (call: string) =>
      families.filter((family) => decide(processor, numberOf(call), [family]) === allow)
    expect(allowed("socket")).toEqual([1, 2, 10])
    expect(allowed("socketpair")).toEqual([1])
  })

  test("allows new threads and processes, but no namespaces", () => {
    const clone = (flags: number) => decide(processor, numberOf("clone"), [flags])
    expect(clone(0x3d_0f00)).toBe(allow)
    expect(clone(17)).toBe(allow)
    for (const flag of [
      0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000,
    ]) {
      expect(clone(flag | 17), flag.toString(16)).toBe(errno(1))
    }
  })

  test("allows the control requests of pipes and sockets, and none of file systems", () => {
    const control = (request: number) => decide(processor, numberOf("ioctl"), [0, request])
    for (const allowed of [0x5401, 0x5413, 0x541b, 0x5421, 0x5451, 0x8912])
      expect(control(allowed)).toBe(allow)
    const refused = {
      TIOCSTI: 0x5412,
      FS_IOC_RESVSP: 0x4030_5828,
      FS_IOC_RESVSP64: 0x4030_582a,
      FS_IOC_ZERO_RANGE: 0x4030_5839,
      FS_IOC_SETFLAGS: 0x4008_6602,
      FS_IOC_FSSETXATTR: 0x401c_5820,
      FS_IOC_ENABLE_VERITY: 0x4080_6685,
      FICLONE: 0x4004_9409,
      BTRFS_IOC_SUBVOL_CREATE: 0x5000_940e,
    }
    for (const [name, request] of Object.entries(refused)) expect(control(request), name).toBe(errno(1))
  })

  test("allows every socket option except the one that delays closing", () => {
    const option = (level: number, name: number) =>
      decide(processor, numberOf("setsockopt"), [3, level, name])
    // SO_REUSEADDR, SO_KEEPALIVE, TCP_NODELAY, TCP_CONGESTION and IP_RECVTOS.
    for (const [level, name] of [
      [1, 2],
      [1, 9],
      [6, 1],
      [6, 13],
      [0, 13],
    ] as const) {
      expect(option(level, name), `${level} ${name}`).toBe(allow)
    }
    expect(option(1, 13)).toBe(errno(1))
  })

  test("refuses to change the execution domain", () => {
    expect(decide(processor, numberOf("personality"), [0x4_0000])).toBe(errno(1))
    expect(decide(processor, numberOf("personality"), [0xffff_ffff])).toBe(allow)
  })
})

test("every refused call exists on some processor", () => {
  const known = new Set([...listSystemCallNumbers("x64").keys(), ...listSystemCallNumbers("arm64").keys()])
  expect([...refusedCalls.keys()].filter((name) => !known.has(name))).toEqual([])
})

test("Docker's profile allows no value whose lower half it refuses", () => {
  const { syscalls } = createDockerSeccompProfile() as {
    syscalls: { names: string[]; args?: { op: string; value: number }[] }[]
  }
  const comparisons = syscalls.filter(({ names }) => names.includes("ioctl")).flatMap(({ args = [] }) => args)
  const allows = (argument: bigint) =>
    comparisons.some(({ op, value }) => {
      expect(op).toBe("SCMP_CMP_EQ")
      return argument === BigInt(value)
    })
  for (const refused of [0x5412n, 0x1_0000_5412n, 0x4030_5828n, 0x1_4030_5828n]) {
    expect(allows(refused)).toBe(false)
  }
  for (const allowed of [0x5401n, 0x5413n, 0x5421n]) expect(allows(allowed)).toBe(true)
})

test("Docker's profile allows all values but one, with any upper half", () => {
  const { syscalls } = createDockerSeccompProfile() as {
    syscalls: {
      names: string[]
      args?: { index: number; op: string; value: number; valueTwo: number }[]
    }[]
  }
  const rules = syscalls.filter(({ names }) => names.includes("setsockopt")).map(({ args = [] }) => args)
  const allows = (...values: readonly bigint[]) =>
    rules.some((args) =>
      args.every(({ index, op, value, valueTwo }) => {
        expect(op).toBe("SCMP_CMP_MASKED_EQ")
        return ((values[index] ?? 0n) & BigInt(value)) === BigInt(valueTwo)
      }),
    )
  const upper = 1n << 32n
  for (const level of [1n, upper + 1n]) {
    for (const name of [13n, upper + 13n]) expect(allows(3n, level, name, 0n), `${level} ${name}`).toBe(false)
  }
  for (const [level, name] of [
    [1n, 2n],
    [1n, 12n],
    [1n, 15n],
    [6n, 13n],
    [0n, 13n],
  ] as const) {
    expect(allows(3n, level, name, 0n), `${level} ${name}`).toBe(true)
  }
})

test("Docker's profile names every known call once, except those with several rules", () => {
  const { syscalls } = createDockerSeccompProfile() as { syscalls: { names: string[]; args?: unknown }[] }
  const plain = syscalls.filter(({ args }) => args === undefined).flatMap(({ names }) => names)
  const ruled = new Set(syscalls.filter(({ args }) => args !== undefined).flatMap(({ names }) => names))
  expect(new Set(plain).size).toBe(plain.length)
  expect(plain.filter((name) => ruled.has(name))).toEqual([])
  expect(plain.length + ruled.size).toBe(listSystemCallNumbers("x64").size)
})
