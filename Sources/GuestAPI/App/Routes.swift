/// Every handler of the service, by the name of its policy row.
enum Routes {
    static func table() throws -> RouteTable {
        let features = [
            IdentityRoutes.handlers, StaffRoutes.handlers, SystemCredentialRoutes.handlers, FactorRoutes.handlers,
            ParkRoutes.handlers, GroupRoutes.handlers, BookingRoutes.handlers,
            ExtraRoutes.handlers, ShareRoutes.handlers, PaymentRoutes.handlers, AttemptRoutes.handlers,
            CoverRoutes.handlers,
            InvoiceRoutes.handlers,
            PayLinkRoutes.handlers,
            ArrivalRoutes.handlers,
            DeskRoutes.handlers, TaskRoutes.handlers, PlanningRoutes.handlers, MessageRoutes.handlers,
            SyncRoutes.handlers, NoticeRoutes.handlers,
            ReservationRoutes.handlers, JobRoutes.handlers, DocsRoutes.handlers,
        ]
        // A duplicate handler name stops the start; otherwise one handler would never be reached.
        return try RouteTable(Dictionary(uniqueKeysWithValues: features.joined().map { ($0.key, $0.value) }))
    }
}
