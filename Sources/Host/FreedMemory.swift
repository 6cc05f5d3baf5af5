/// What the process keeps of the memory that it has freed.

internal import CLinuxIO

public enum FreedMemory {
    /// Keeps up to 16 MiB at the end of each arena instead of giving back all but 128 KiB: batches of a MiB come and go all the time, and the kernel clears
    /// every page that it gives out again. Blocks of 8 MiB and more go back at once. To be called once, before there are threads.
    public static func keepSome() { millrace_keep_freed(16 << 20, 8 << 20) }
}
