"""Data sources about the account and the region that a program runs in."""

from __future__ import annotations

from typing import Any

from terrace.sandbox.provider.base import Clients, Props
from terrace.sandbox.provider.invokes import invoke


@invoke({})
def get_caller_identity(aws: Clients, args: Props) -> Props:
    """Return who calls, and in which account."""
    seen = aws("sts").get_caller_identity()
    return {"accountId": seen["Account"], "arn": seen["Arn"], "id": seen["Account"], "userId": seen["UserId"]}


@invoke({"name": str, "region": str})
def get_region(aws: Clients, args: Props) -> Props:
    """Return the region of the provider, or the one that is named."""
    region = args.get("region") or args.get("name") or aws.region
    endpoint = f"ec2.{region}.amazonaws.com"
    return {"region": region, "name": region, "id": region, "endpoint": endpoint, "description": region}


@invoke(
    {
        "allAvailabilityZones": bool,
        "excludeNames": [str],
        "excludeZoneIds": [str],
        "filters": [{"name": str, "values": [str]}],
        "state": str,
    }
)
def get_availability_zones(aws: Clients, args: Props) -> Props:
    """Return the zones of the region by name, in order."""
    query: dict[str, Any] = {"AllAvailabilityZones": bool(args.get("allAvailabilityZones"))}
    filters = [{"Name": f["name"], "Values": list(f["values"])} for f in args.get("filters") or []]
    if args.get("state"):
        filters.append({"Name": "state", "Values": [args["state"]]})
    zones = aws("ec2").describe_availability_zones(**query, Filters=filters)["AvailabilityZones"]
    hidden = {*(args.get("excludeNames") or []), *(args.get("excludeZoneIds") or [])}
    shown = sorted((z for z in zones if not {z["ZoneName"], z["ZoneId"]} & hidden), key=lambda z: str(z["ZoneName"]))
    return {
        **args,
        "id": aws.region,
        "names": [zone["ZoneName"] for zone in shown],
        "zoneIds": [zone["ZoneId"] for zone in shown],
        "groupNames": sorted({zone.get("GroupName", aws.region) for zone in shown}),
    }


INVOKES = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": get_availability_zones,
    "aws:index/getCallerIdentity:getCallerIdentity": get_caller_identity,
    "aws:index/getRegion:getRegion": get_region,
}
