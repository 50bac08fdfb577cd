extension Paths {
    public static let groupOptions = Path("/v1/groups/{group}/options", TravelGroup.ID.self)
    public static let groupOption = Path("/v1/groups/{group}/options/{option}", TravelGroup.ID.self, StayOption.ID.self)
    public static let groupOptionVote = Path(
        "/v1/groups/{group}/options/{option}/vote",
        TravelGroup.ID.self,
        StayOption.ID.self
    )
    public static let groupOptionAttendance = Path(
        "/v1/groups/{group}/options/{option}/attendance",
        TravelGroup.ID.self,
        StayOption.ID.self
    )
    public static let groupOptionPromote = Path(
        "/v1/groups/{group}/options/{option}/promote",
        TravelGroup.ID.self,
        StayOption.ID.self
    )
    public static let groupPlanItems = Path("/v1/groups/{group}/plan-items", TravelGroup.ID.self)
    public static let groupPlanItem = Path(
        "/v1/groups/{group}/plan-items/{item}",
        TravelGroup.ID.self,
        PlanItem.ID.self
    )
    public static let groupPlanItemRestore = Path(
        "/v1/groups/{group}/plan-items/{item}/restore",
        TravelGroup.ID.self,
        PlanItem.ID.self
    )
    public static let groupPlanItemAttendance = Path(
        "/v1/groups/{group}/plan-items/{item}/attendance",
        TravelGroup.ID.self,
        PlanItem.ID.self
    )
    public static let groupPlanItemHistory = Path(
        "/v1/groups/{group}/plan-items/{item}/history",
        TravelGroup.ID.self,
        PlanItem.ID.self
    )
    public static let groupPlanItemUndo = Path(
        "/v1/groups/{group}/plan-items/{item}/undo",
        TravelGroup.ID.self,
        PlanItem.ID.self
    )
    public static let childPlanItems = Path("/v1/child/plan-items")
}
