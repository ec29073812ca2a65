"""arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]. The core's own functions have neither region nor account."""

import re

_FORM = re.compile(r"(arn:[a-z-]+:lambda:([a-z0-9-]*):([0-9]{12}|aws)?:function:([a-zA-Z0-9_-]+))(?::([a-zA-Z0-9$_-]+))?")


class FunctionArnFields:
    """unqualified_arn, region, account_id, name, qualifier (None: there is none)."""

    def __init__(self, function_arn):
        found = _FORM.fullmatch(function_arn) if isinstance(function_arn, str) else None
        if not found:
            raise ValueError("%r is not the ARN of a function: arn:aws:lambda:REGION:ACCOUNT:function:NAME:VERSION is" % (function_arn,))
        self.unqualified_arn, self.region, account_id, self.name, self.qualifier = found.groups()
        self.account_id = account_id or ""

    @staticmethod
    def build_function_arn(unqualified_arn, qualifier):
        return "%s:%s" % (unqualified_arn, qualifier) if qualifier else unqualified_arn

    @staticmethod
    def build_arn_string(region, account_id, name, qualifier):
        """The form that older SDKs ask for."""
        return FunctionArnFields.build_function_arn("arn:aws:lambda:%s:%s:function:%s" % (region, account_id, name), qualifier)
