import NIOCore
import NIOPosix

/// Runs tasks on one event loop: what a connection asks for is worked on where its bytes come in and go out, without
/// threads that wake each other. Only for work that is short and waits for nothing but by suspending.
package final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  package init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  /// The one of the event loop that this is called on; `nil` when it is called elsewhere.
  package static var current: EventLoopExecutor? {
    MultiThreadedEventLoopGroup.currentEventLoop.map(EventLoopExecutor.init)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // Keeps the executor for as long as the job needs it.
    eventLoop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}

/// Runs each part of a task on the event loop that it became ready on, or on any where it became ready elsewhere.
package final class AnyEventLoopExecutor: TaskExecutor {
  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let eventLoop: any EventLoop =
      MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
    eventLoop.execute { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}
