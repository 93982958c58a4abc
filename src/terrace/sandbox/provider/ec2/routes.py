"""Where packets go: route tables, their routes, the subnets that use them."""

from __future__ import annotations

import zlib
from typing import Any

from terrace.sandbox.provider.base import Clients, Handler, Props, State
from terrace.sandbox.provider.ec2.thing import Ec2Thing, tagged
from terrace.sandbox.provider.errors import absent_ok
from terrace.sandbox.provider.shapes import found, request

_NO_TABLE = "InvalidRouteTableID.NotFound"
_DESTINATIONS = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
_TARGETS = ("egressOnlyGatewayId", "gatewayId", "natGatewayId", "transitGatewayId", "vpcPeeringConnectionId")
_NAMES = {"egressOnlyGatewayId": "egressOnlyInternetGatewayId"}


class RouteTable(Ec2Thing):
    """Holds routes, which are resources of their own. Its id is AWS's."""

    type = "aws:ec2/routeTable:RouteTable"
    inputs = {"tags": dict, "vpcId": str}
    required = frozenset({"vpcId"})
    replace = frozenset({"vpcId"})
    kind = "route-table"
    listing = ("describe_route_tables", "RouteTableIds", "RouteTables")
    missing = (_NO_TABLE,)

    def make(self, aws: Clients, inputs: Props) -> str:
        made = aws("ec2").create_route_table(VpcId=inputs["vpcId"], **tagged("route-table", inputs))
        return str(made["RouteTable"]["RouteTableId"])

    def remove(self, aws: Clients, id: str, inputs: Props) -> None:
        aws("ec2").delete_route_table(RouteTableId=id)

    def alike(self, inputs: Props) -> dict[str, str]:
        return {"vpc-id": inputs["vpcId"]}

    def candidates(self, aws: Clients, inputs: Props) -> list[str]:
        mine = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "association.main", "Values": ["true"]}]
        main = {table["RouteTableId"] for table in aws("ec2").describe_route_tables(Filters=mine)["RouteTables"]}
        return [id for id in super().candidates(aws, inputs) if id not in main]


class Route(Handler):
    """Sends one range of addresses to one gateway. Its id is of the real provider's making."""

    type = "aws:ec2/route:Route"
    inputs = dict.fromkeys(("routeTableId", *_DESTINATIONS, *_TARGETS), str)
    required = frozenset({"routeTableId"})
    replace = frozenset({"routeTableId", *_DESTINATIONS})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        client = aws("ec2")
        client.create_route(**request(client, "CreateRoute", inputs, _NAMES))
        return self._known(aws, inputs)

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        name, destination = _destination(inputs)
        seen = found(aws("ec2").describe_route_tables, _NO_TABLE, RouteTableIds=[inputs["routeTableId"]])
        tables = seen["RouteTables"] if seen else []
        member = name[0].upper() + name[1:]
        route = next((r for table in tables for r in table["Routes"] if r.get(member) == destination), None)
        return None if route is None else State(id, self._outputs(inputs, route))

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        client = aws("ec2")
        client.replace_route(**request(client, "ReplaceRoute", new, _NAMES))
        return self._known(aws, new)

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        client, (name, destination) = aws("ec2"), _destination(inputs)
        with absent_ok("InvalidRoute.NotFound", _NO_TABLE):
            props = {"routeTableId": inputs["routeTableId"], name: destination}
            client.delete_route(**request(client, "DeleteRoute", props))

    def find(self, aws: Clients, inputs: Props) -> str | None:
        state = self.read(aws, _route_id(inputs), inputs)
        return state.id if state else None

    def _known(self, aws: Clients, inputs: Props) -> State:
        id = _route_id(inputs)
        return self.read(aws, id, inputs) or State(id, dict(inputs))

    def _outputs(self, inputs: Props, route: Props) -> Props:
        members = {name: _NAMES.get(name, name) for name in (*_DESTINATIONS, *_TARGETS)}
        shown = {name: route.get(member[0].upper() + member[1:]) for name, member in members.items()}
        outputs: dict[str, Any] = {name: value for name, value in shown.items() if value}
        return {
            **outputs,
            "routeTableId": inputs["routeTableId"],
            "origin": route.get("Origin", "CreateRoute"),
            "state": route.get("State", "active"),
        }


class RouteTableAssociation(Handler):
    """Gives a subnet its route table. Its id is AWS's of the day it was made: another table changes it there."""

    type = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    inputs = {"routeTableId": str, "subnetId": str}
    required = frozenset(inputs)
    replace = frozenset({"subnetId"})
    delete_before_replace = True

    def create(self, aws: Clients, inputs: Props) -> State:
        made = aws("ec2").associate_route_table(RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"])
        return State(made["AssociationId"], dict(inputs))

    def read(self, aws: Clients, id: str, inputs: Props) -> State | None:
        seen = self._seen(aws, inputs)
        outputs = {"routeTableId": seen["RouteTableId"], "subnetId": seen["SubnetId"]} if seen else {}
        return State(id, outputs) if seen else None

    def update(self, aws: Clients, id: str, old: Props, new: Props) -> State:
        seen = self._seen(aws, new)
        if seen and seen["RouteTableId"] != new["routeTableId"]:
            now = seen["RouteTableAssociationId"]
            aws("ec2").replace_route_table_association(AssociationId=now, RouteTableId=new["routeTableId"])
        return State(id, dict(new))

    def delete(self, aws: Clients, id: str, inputs: Props) -> None:
        seen = self._seen(aws, inputs)
        if seen:
            with absent_ok("InvalidAssociationID.NotFound"):
                aws("ec2").disassociate_route_table(AssociationId=seen["RouteTableAssociationId"])

    def find(self, aws: Clients, inputs: Props) -> str | None:
        seen = self._seen(aws, inputs)
        return str(seen["RouteTableAssociationId"]) if seen else None

    def _seen(self, aws: Clients, inputs: Props) -> Props | None:
        # A subnet has at most one, so that the subnet finds it whatever its id has become.
        subnet = inputs["subnetId"]
        mine = [{"Name": "association.subnet-id", "Values": [subnet]}]
        tables = aws("ec2").describe_route_tables(Filters=mine)["RouteTables"]
        return next((a for t in tables for a in t["Associations"] if a.get("SubnetId") == subnet), None)


def _destination(inputs: Props) -> tuple[str, str]:
    return next((name, inputs[name]) for name in _DESTINATIONS if inputs.get(name))


def _route_id(inputs: Props) -> str:
    return f"r-{inputs['routeTableId']}{zlib.crc32(_destination(inputs)[1].encode())}"
