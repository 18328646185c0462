/** Error numbers of Linux, the same on both processors. */
const EPERM = 1
const ENOSYS = 38
const EOPNOTSUPP = 95
const EAFNOSUPPORT = 97

/**
 * A call that is allowed only with some values of one argument. If a call has several rules, one that allows it is
 * enough.
 */
export interface ArgumentRule {
  readonly call: string
  /** Index of the argument from 0. Only its lower 32 bits are compared, because none of these arguments is wider. */
  readonly argument: number
  readonly allowedIf: ArgumentTest
  readonly otherwise: number
}

export type ArgumentTest =
  | { readonly type: "oneOf"; readonly values: readonly number[] }
  | { readonly type: "noBitOf"; readonly mask: number }
  | { readonly type: "isNot"; readonly value: number }

/**
 * System calls that code in a sandbox may not make. It may make all others of Linux 6.1. The list is stricter than
 * Docker's own profile of 20.10, which allows AF_VSOCK, io_uring and `fallocate`.
 */
export const refusedCalls: ReadonlyMap<string, number> = new Map([
  // These access other processes' memory and files.
  ...refuse(
    EPERM,
    "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease pidfd_getfd kcmp",
  ),
  // Namespaces and mounts give access to kernel code that is otherwise for root only.
  ...refuse(EPERM, "unshare setns mount umount2 pivot_root chroot mount_setattr move_mount open_tree"),
  ...refuse(EPERM, "fsopen fsconfig fsmount fspick"),
  // Its flags are behind a pointer, which no filter can read. The C library then uses `clone`.
  ...refuse(ENOSYS, "clone3"),
  // No filter sees the requests in its rings.
  ...refuse(ENOSYS, "io_uring_setup io_uring_enter io_uring_register"),
  // A ruleset keeps the contents of deleted files on the disk, and nothing shows that it does.
  ...refuse(ENOSYS, "landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
  // This uses a count of requests that the whole machine shares, including its databases.
  ...refuse(ENOSYS, "io_setup"),
  // These are large parts of the kernel that exploits often use.
  ...refuse(EPERM, "bpf perf_event_open userfaultfd add_key request_key keyctl memfd_secret"),
  ...refuse(EPERM, "fanotify_init fanotify_mark name_to_handle_at open_by_handle_at lookup_dcookie"),
  // These control the machine.
  ...refuse(EPERM, "init_module finit_module delete_module create_module kexec_load kexec_file_load reboot"),
  ...refuse(EPERM, "swapon swapoff acct quotactl quotactl_fd syslog vhangup iopl ioperm"),
  ...refuse(EPERM, "settimeofday clock_settime clock_adjtime adjtimex sethostname setdomainname"),
  ...refuse(EPERM, "mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages"),
  // These are obsolete.
  ...refuse(
    ENOSYS,
    "uselib ustat sysfs _sysctl nfsservctl afs_syscall getpmsg putpmsg security tuxcall vserver",
  ),
  ...refuse(ENOSYS, "get_kernel_syms query_module epoll_ctl_old epoll_wait_old modify_ldt"),
  // This reserves any amount of disk at once, so a quota would notice it too late. The C library then writes zeros.
  ...refuse(EOPNOTSUPP, "fallocate"),
])

/** AF_UNIX, AF_INET and AF_INET6, but not AF_VSOCK (the hypervisor), AF_NETLINK, AF_PACKET, AF_ALG … */
const socketFamilies = { type: "oneOf", values: [1, 2, 10] } as const
/** CLONE_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID and _NEWNET. */
const newNamespaces = 0x7e02_0000
/**
 * Requests of programs to pipes, sockets and their standard streams. All others are refused: those of file systems
 * reserve any amount of disk like `fallocate` (FS_IOC_RESVSP, FS_IOC_ZERO_RANGE), create files that cannot be changed
 * or removed, or change the usage that a project quota counts. Each file system adds its own.
 */
const controlRequests = {
  type: "oneOf",
  values: [
    // These are TCGETS (for `isatty`), TCSETS, TCSETSW, TCSETSF, TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ and TIOCNOTTY.
    ...[0x5401, 0x5402, 0x5403, 0x5404, 0x540f, 0x5410, 0x5413, 0x5422],
    // These are TIOCOUTQ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX and FIOASYNC.
    ...[0x5411, 0x541b, 0x5421, 0x5450, 0x5451, 0x5452],
    // These are SIOCATMARK, and the queries of network interfaces: SIOCGIFNAME, CONF, FLAGS, ADDR, BRDADDR, NETMASK,
    // MTU, HWADDR and INDEX.
    ...[0x8905, 0x8910, 0x8912, 0x8913, 0x8915, 0x8919, 0x891b, 0x8921, 0x8927, 0x8933],
  ],
} as const
/** PER_LINUX, PER_LINUX32 and UNAME26, alone and together, and the query of the current value. */
const personalities = { type: "oneOf", values: [0, 8, 0x2_0000, 0x2_0008, 0xffff_ffff] } as const

const SOL_SOCKET = 1
/**
 * A socket with this option makes the thread that closes it wait. If two Unix sockets have it and hold each other,
 * that thread belongs to the kernel, and all files that were sent with it stay on the disk after the code has ended.
 * Closing files on the whole machine waits, too.
 */
const SO_LINGER = 13

export const argumentRules: readonly ArgumentRule[] = [
  { call: "socket", argument: 0, allowedIf: socketFamilies, otherwise: EAFNOSUPPORT },
  { call: "socketpair", argument: 0, allowedIf: { type: "oneOf", values: [1] }, otherwise: EAFNOSUPPORT },
  { call: "clone", argument: 0, allowedIf: { type: "noBitOf", mask: newNamespaces }, otherwise: EPERM },
  { call: "ioctl", argument: 1, allowedIf: controlRequests, otherwise: EPERM },
  { call: "setsockopt", argument: 1, allowedIf: { type: "isNot", value: SOL_SOCKET }, otherwise: EPERM },
  { call: "setsockopt", argument: 2, allowedIf: { type: "isNot", value: SO_LINGER }, otherwise: EPERM },
  { call: "personality", argument: 0, allowedIf: personalities, otherwise: EPERM },
]

/** The error for calls that neither this policy nor its table contains. */
export const unknownCall = ENOSYS

function refuse(errno: number, calls: string): (readonly [string, number])[] {
  return calls.split(" ").map((call) => [call, errno] as const)
}
